"""What pocket is trained on, for how long and at what rate."""

from dataclasses import dataclass, field, replace

PHASES = ("charts", "views", "primer", "strips", "scenes")
ASKED = PHASES[2:]  # of both towers, and their reading is checked
# Times the rate, with questions: at the tower's, answers' losses stood still.
SLOWER = {"primer": 0.5, "strips": 0.3, "scenes": 0.3}
TURNS = ("scenes", "crowds", "padded")  # padded strips; "strips" are bare ones
MORE_TURNS = ("strips", "shown")  # that a run may ask for; shown: pictures that show one thing
ANSWER_WEIGHTS = {"text": 1.3, "presence": 1.0, "attributes": 1.0, "generic": 0.1}


@dataclass
class Recipe:
    """What a model is trained on, for how long, at what rate; stored with its state."""

    steps: dict[str, int]
    batch: dict[str, int] = field(
        default_factory=lambda: {
            "charts": 12,
            "views": 2,
            "primer": 32,
            "strips": 24,
            "scenes": 6,
        }
    )
    charts_beside: dict[str, int] = field(  # eye charts in every step of the later phases
        default_factory=lambda: {"views": 2, "strips": 4, "scenes": 2}
    )
    crowds: dict[str, int] = field(  # beside the views; instead of scenes in some turns
        default_factory=lambda: {"views": 16, "scenes": 12}
    )
    shown: int = 6  # pictures that show one thing, instead of scenes in some turns
    rate: float = 1e-3
    warmup: int = 100
    decay: float = 0.4  # share of the last phase over which the rate falls to a hundredth
    attention_layer: int = 3
    focus_weight: float = 0.4
    generic_weight: float = 0.05
    surface_weight: float = 0.25
    place_weight: float = 0.1
    name_weight: float = 0.2
    pair_weight: float = 0.5
    chart_weight: float = 0.5
    letters_weight: float = 0.2
    text_share: float = 0.7
    seed: int = 0
    # Steps at the beginning of the scenes that leave the vision tower as the views have made it: a
    # quarter cheaper, while the language model learns to use what the tower sees. The heads of the
    # auxiliary losses, which a checkpoint doesn't have, are trained on.
    frozen: int = 0
    # Strips at the beginning are mostly clean and upright: of the steps of strips, so many until
    # they are as the world is.
    ease: int = 3000
    turns: tuple[str, ...] = TURNS  # what the batches of the last phase are of, by turns
    again: int = 0  # earlier batches that every step trains on, too
    minutes: float | None = None  # after which the last phase ends, if its steps have not

    def large(self) -> "Recipe":
        """Return the recipe with batches of the last phase for a GPU and a dozen processes."""
        return replace(
            self,
            batch=self.batch | {"scenes": 16, "strips": 312},
            crowds=self.crowds | {"scenes": 18},
            shown=24,
            charts_beside=self.charts_beside | {"scenes": 4},
        )


def is_frozen(settings: Recipe, phase: str, step: int) -> bool:
    """Return whether the vision tower is left as the views have made it."""
    return phase == "scenes" and step < settings.frozen


def rate_at(settings: Recipe, phase: str, step: int, over: float | None = None) -> float:
    """Warm-up at the start of each phase, then constant; in the last phase a linear fall.

    over: the share of the phase that is over; by default, of its steps.
    """
    over = step / settings.steps[phase] if over is None else over
    factor = min(1.0, (step + 1) / settings.warmup) * SLOWER.get(phase, 1.0)
    if phase == PHASES[-1]:
        falls_over = max(settings.decay, 1 / settings.steps[phase])
        factor *= min(1.0, max(0.01, (1 - over) / falls_over))
    return settings.rate * factor
