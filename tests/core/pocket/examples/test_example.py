import numpy as np
import pytest
from PIL import Image

from core.pocket.examples.example import to_input
from core.pocket.examples.scenes import crowd_example, scene_example
from core.pocket.examples.strips import primer_example, strip_example
from core.pocket.model import build_processor
from core.pocket.tokenizer import build_tokenizer


def _strip(index, seed):
    return strip_example(index, seed, rows=(3, 4, 6, 8)[index % 4])


def _primer(index, seed):
    return primer_example(index, seed, rows=3)


def test_examples_are_what_their_index_says():
    for make in (_strip, _primer, crowd_example, lambda i, seed: scene_example(i, seed, 0.7)):
        first, again, other = make(5, 0), make(5, 0), make(6, 0)
        assert all(np.array_equal(a, b) for a, b in zip(first.images, again.images, strict=True))
        assert [b.question for b in first.branches] == [b.question for b in again.branches]
        assert not np.array_equal(first.images[0], other.images[0])


@pytest.mark.parametrize("size", [(192, 108), (120, 192), (192, 192), (100, 80)])
def test_pixels_are_prepared_as_the_processor_does(size):
    rng = np.random.default_rng(0)
    image = Image.fromarray(rng.integers(0, 255, (size[1], size[0], 3), dtype=np.uint8))
    processor = build_processor(build_tokenizer()).image_processor
    real = processor(images=image, return_tensors="np")["pixel_values"][0].transpose(1, 2, 0)
    real = (real * 0.25 + 0.5) * 255
    assert np.abs(real - to_input(image)).max() <= 1
