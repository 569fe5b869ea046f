"""The parts that the dashboard's samples play, and the scenes and questions tried for them.

The open world's are those that are shipped: from version 6 on pocket is at home there. They are the
closed world's, played by other scenes, and four more: what a gate gets wrong either way, what isn't
there, and a photograph.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from PIL import Image

from core.signs import photographs
from core.signs import questions as closed
from core.signs.carriers import CARRIERS
from core.signs.questions import SceneQuestion, ask_presence
from core.signs.render import render
from core.signs.scenes import Scene, Sign, make_scene, scene_rng
from core.signs.world import asking, trials
from core.signs.world.phrasing import Speaker
from core.signs.world.streets import make_street
from core.transcript import Transcript

# What becomes of an answer. The last three are kinds of `core.bench.analysis.outcomes`; there the
# first three are called spared, useful and hopeless.
AT_ONCE, WITH_CROP, STAYS_WRONG = "at once", "with the crop", "stays wrong"
NEEDLESS, MISSED, RESIGNED = "needless", "missed", "resigned"
ASKED = {(True, True): NEEDLESS, (False, True): WITH_CROP, (False, False): STAYS_WRONG}
NOT_ASKED = {(True, True): AT_ONCE, (False, True): MISSED, (False, False): RESIGNED}

SEED = 60_000  # of the questions
PHOTOGRAPH, CREDIT = "rocket.jpg", "SpaceX, public domain"


@dataclass(frozen=True)
class Part:
    file: str
    family: str  # text, plain (in the plain scenes of trials), presence, absent or photograph
    outcomes: tuple[str, ...]  # any of them will do, the first is preferred
    start: int  # first scene to try
    letters: tuple[float, float]  # capital height in the global image, pixels: from, to
    title: str  # of what is asked
    note: str


PARTS = (
    Part("corner", "text", (WITH_CROP,), 0, (2.5, 4), "Small print",
         "Illegible in the small image; the crop shows it."),
    Part("plain", "text", (AT_ONCE,), 100, (11, 99), "Large letters",
         "Legible at once: no second look is asked for."),
    Part("wide", "text", (WITH_CROP,), 200, (3, 5), "A wide scene",
         "The sign is a speck in a wide image; attention finds it."),
    Part("plate", "text", (WITH_CROP,), 300, (3, 6), "A sign to spell",
         "Letters and digits that no language model could guess."),
    Part("object", "presence", (AT_ONCE,), 400, (0, 0), "Is it there?",
         "A yes-or-no question, answered at once."),
    Part("near", "text", (AT_ONCE,), 500, (11, 99), "Close by",
         "Another sign near enough to be read in the small image."),
    Part("tall", "text", (WITH_CROP,), 600, (2.5, 5), "A tall scene",
         "Padding left and right does not shift the box."),
    Part("beyond", "text", (STAYS_WRONG,), 700, (1.5, 4), "Beyond it",
         "Uncertain, looked again, and still not right."),
)  # fmt: skip
MORE = (
    Part("needless", "plain", (NEEDLESS,), 800, (4, 40), "Right, and unsure",
         "It had the answer, and asked again for nothing."),
    Part("missed", "text", (MISSED, RESIGNED), 900, (4, 40), "Wrong, and sure",
         "It is mistaken without a doubt, so nobody looks again."),
    Part("absent", "absent", (WITH_CROP, NEEDLESS), 1000, (0, 0), "Not there",
         "Nothing in the scene is what the question names."),
    Part("photograph", "photograph", (WITH_CROP, NEEDLESS, STAYS_WRONG), 0, (0, 0), "A photo",
         "No rendered scene, and no such sign."),
)  # fmt: skip


@dataclass(frozen=True)
class Candidate:
    """A picture and a question about it, of which nobody knows yet which part they play."""

    picture: Callable[[], Image.Image]
    question: SceneQuestion
    of: dict[str, Any]  # what it takes to make it again


@dataclass(frozen=True)
class World:
    """Where parts are cast from."""

    parts: tuple[Part, ...]
    scene: Callable[[int], Scene | None]  # None: one that isn't to be shown
    plain: Callable[[int], Scene]
    ask_text: Callable[[np.random.Generator, Scene, Sign], SceneQuestion]
    ask_presence: Callable[[np.random.Generator, Scene], SceneQuestion | None]
    ask_absent: Callable[[np.random.Generator, Scene], SceneQuestion | None]

    def candidate(self, part: Part, index: int) -> Candidate | None:
        """Return what is tried for a part at an index; None if there is nothing to ask."""
        rng = scene_rng("test", index, SEED)
        if part.family == "photograph":
            image = photographs.picture(PHOTOGRAPH)
            asked = self.ask_absent(rng, Scene(*image.size, (), (), 0))
            of = {"photograph": PHOTOGRAPH, "source": CREDIT, "scene": index}
            return None if asked is None else Candidate(lambda: image, asked, of)
        scene = (self.plain if part.family == "plain" else self.scene)(index)
        if scene is None or not fits(part, scene):
            return None
        asked = self._question(part, rng, scene)
        of = {"scene": index}
        return None if asked is None else Candidate(partial(render, scene), asked, of)

    def _question(self, part: Part, rng, scene: Scene) -> SceneQuestion | None:
        if part.family == "presence":
            return self.ask_presence(rng, scene)
        if part.family == "absent":
            return self.ask_absent(rng, scene)
        signs = signs_for(part, scene)
        return self.ask_text(rng, scene, signs[0]) if signs else None


def fits(part: Part, scene: Scene) -> bool:
    """Return whether the scene is of the shape that the part's title promises."""
    if part.file == "wide":
        return scene.width > 1.4 * scene.height
    return scene.height > scene.width if part.file == "tall" else True


def signs_for(part: Part, scene: Scene) -> list[Sign]:
    """Return the signs whose letters are of the part's size, and whose text is of its kind."""
    low, high = part.letters
    signs = [sign for sign in scene.signs if low <= sign.letter_height * scene.scale <= high]
    if part.file == "plate":
        plates = (s for s in signs if s.shape == "plate" or s.shape not in CARRIERS)
        return [s for s in plates if any(c.isdigit() for c in s.text) and len(s.text) >= 4]
    if part.outcomes[0] in (STAYS_WRONG, NEEDLESS, MISSED):  # whatever the model stumbles over
        return signs
    return [sign for sign in signs if sign.text.isalpha() and len(sign.text) >= 3]


def outcome(transcript: Transcript, answer: str) -> str | None:
    """Return what became of the answer in a transcript with both stages; None if it was broken."""
    assert transcript.second is not None
    ways = transcript.first.answer == answer, transcript.second.answer == answer
    return (ASKED if transcript.uncertain else NOT_ASKED).get(ways)


def _ask_closed_absent(rng: np.random.Generator, scene: Scene) -> SceneQuestion | None:
    return ask_presence(rng, scene, kind="adversarial")


def _street(index: int) -> Scene | None:
    """An open scene in plain light, with nobody's photograph behind it."""
    scene = make_street("test", index)
    return None if scene.effects or scene.photograph else scene


_PLAIN = Speaker("test", ("plain",))
WORLDS = {
    "closed": World(
        PARTS, partial(make_scene, "test"), partial(make_scene, "test"), closed.ask_text,
        partial(ask_presence, kind="yes"), _ask_closed_absent,
    ),
    "open": World(
        (*PARTS, *MORE), _street, partial(trials.scene_of, trials.PLAIN, "test"),
        partial(asking.ask_text, speaker=_PLAIN),
        partial(ask_presence, held_out=_PLAIN, kind="yes"),
        partial(asking.ask_absent, speaker=_PLAIN),
    ),
}  # fmt: skip
