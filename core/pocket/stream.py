"""The batches of a training run, each made from its number alone."""

import numpy as np
import torch

from core.pocket.examples.charts import chart_example
from core.pocket.examples.scenes import crowd_example, scene_example, shown_example
from core.pocket.examples.strips import padded, primer_example, small_example, strip_example
from core.pocket.model import GRID
from core.pocket.packing import Packer
from core.pocket.recipe import Recipe, is_frozen

EASY = 0.8  # share of clean and upright strips at the beginning
ROWS = (3, 4, 6, 8)  # of visual tokens, heights of strips
SQUARE = (*ROWS, GRID)  # the same, of those that are padded to a square


class Stream(torch.utils.data.Dataset):
    """Batch number `i` of a phase, made from its number alone: order and resumption are exact."""

    def __init__(self, phase: str, settings: Recipe, packer: Packer, first: int):
        self.phase, self.settings, self.packer, self.first = phase, settings, packer, first

    def __len__(self) -> int:
        return self.settings.steps[self.phase] - self.first

    def __getitem__(self, offset: int):
        s, step = self.settings, self.first + offset
        if self.phase == "charts":
            return None, self._charts(_span(step, s.batch["charts"]))
        if self.phase == "primer":
            rows = ROWS[step % 2]  # the cheaper ones
            span = _span(step, s.batch["primer"])
            return self.packer.collate([primer_example(i, s.seed, rows) for i in span]), None
        beside = _span(step, s.charts_beside[self.phase])
        if self.phase == "strips":
            easy = EASY * max(0.0, 1 - step / max(1, s.ease))
            return self._strips(step, easy), self._charts(i + 2 * 10**7 for i in beside)
        turn = "both" if self.phase == "views" else s.turns[step % len(s.turns)]
        if turn == "padded":
            batch = self._padded_strips(step)
        elif turn == "strips":
            batch = self._strips(step)
        else:
            batch = self.packer.collate(self._scenes(step, turn))
        if is_frozen(s, self.phase, step):
            return batch, None
        return batch, self._charts(i + 10**7 for i in beside)

    def _scenes(self, step, turn):
        """Scenes, crowds, both, or pictures that show one thing."""
        s = self.settings
        first = 5 * 10**6 if self.phase == "views" else 0  # other scenes than are asked about
        examples = []
        if turn in ("scenes", "both"):
            span = _span(step, s.batch[self.phase])
            examples += [scene_example(first + i, s.seed, s.text_share) for i in span]
        if turn == "shown":
            span = _span(step, s.shown)
            examples += [shown_example(i, s.seed, s.text_share) for i in span]
        if turn in ("crowds", "both"):
            crowds = _span(step, s.crowds[self.phase])
            examples += [crowd_example(first + i, s.seed) for i in crowds]
        return examples

    def _strips(self, step, easy=0.0):
        """A batch of strips of one height: more of the higher ones, the fewer there can be."""
        rows = int(np.random.default_rng(step).choice(ROWS))  # turns may be as many as heights
        count = max(1, round(self.settings.batch["strips"] * 5 / (rows + 1)))
        span = _span(step, 100)[:count]
        return self.packer.collate([strip_example(i, self.settings.seed, rows, easy) for i in span])

    def _padded_strips(self, step):
        """A batch of strips as they arrive, padded to a square, and of small pictures."""
        count = max(1, round(self.settings.batch["strips"] * 5 / (GRID + 1)))
        span = [10**8 + i for i in _span(step, count)]  # others than before
        seed = self.settings.seed
        strips = [padded(strip_example(i, seed, SQUARE[i % len(SQUARE)])) for i in span[1::2]]
        return self.packer.collate(strips + [small_example(i, seed) for i in span[::2]])

    def _charts(self, span):
        charts = zip(*(chart_example(i, self.settings.seed) for i in span), strict=True)
        pixels, characters, spelling = (torch.from_numpy(np.stack(part)) for part in charts)
        return pixels.permute(0, 3, 1, 2), characters, spelling


def _span(step: int, count: int) -> range:
    return range(step * count, (step + 1) * count)
