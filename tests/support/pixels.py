"""A small model whose answers are a function of the pixels it gets, and a picture for it."""

import hashlib
from dataclasses import dataclass

import numpy as np
from PIL import Image

from core.imaging import Fit, Geometry
from core.vlm.base import VLM, Generation, Look, ModelInfo, PixelGradient, Request

SIDE, GRID, TOKENS, VOCABULARY = 32, (8, 8), 64, 50
UNIFORM = np.full(TOKENS, 1 / TOKENS, dtype=np.float32)


@dataclass(frozen=True, eq=False)
class PixelLook(Look):
    image: Image.Image

    @property
    def nbytes(self):
        return len(self.image.tobytes())


class PixelVLM(VLM):
    """Attends to what is bright; its words and its doubts are a hash of all it was shown."""

    def __init__(self):
        self.seen: list[Image.Image] = []  # every image that ever reached the model
        self.info = ModelInfo(
            name="pixels",
            family="test",
            revision="r1",
            parameters=0,
            hidden=8,
            layers=2,
            visual_tokens=TOKENS,
            fit=Fit("pad", (SIDE, SIDE)),
            attention_layer=0,
            base_side=SIDE,
            generic_prompt="Describe.",
            thresholds={},
            heads=((0, 0), (1, 1)),
        )

    abilities = frozenset(
        {"attend_heads", "attend_gradient", "pixel_gradient", "similarity", "box_units"} | {"yes"}
    )

    def attend_heads(self, look, prompt):
        return np.tile(self.attend(look, prompt), (2, 2, 1)) / 2

    def attend_gradient(self, look, prompt, layer=None):
        return self.attend(look, prompt) ** 2

    def pixel_gradient(self, image, prompt):
        square = np.zeros((SIDE, SIDE, 3))
        left, top = ((SIDE - side) // 2 for side in image.size)
        square[top : top + image.height, left : left + image.width] = np.asarray(image) / 255
        return PixelGradient(square, square.sum(axis=2) + (prompt == "Describe."))

    def similarity(self, look, prompt, words):
        return np.stack([self.attend(look, prompt)] * 2) - 0.5

    def box_units(self, image_size):
        return 1000.0, 1000.0

    def word_tokens(self, *words):
        return tuple(len(word) for word in words)

    def geometry(self, image_size):
        return Geometry.pad(image_size, SIDE, GRID)

    def look(self, image):
        self.seen.append(image)
        return PixelLook(image.size, image)

    def answer(self, look, question, local=None, max_new_tokens=20, draft=()):
        assert isinstance(look, PixelLook)
        pixels = look.image.tobytes() + question.encode()
        for image in Request(look, question, local).locals:
            self.seen.append(image)
            pixels += image.tobytes()
        seed = int.from_bytes(hashlib.sha256(pixels).digest()[:8], "big")
        logits = np.random.default_rng(seed).normal(0, 3, (4, VOCABULARY)).astype(np.float32)
        logits[:, 7] = -np.inf  # a token the model can never say
        ids = tuple(int(i) for i in logits.argmax(axis=-1))
        tokens = tuple(self.decode_token(i) for i in ids)
        return Generation("".join(tokens), ids, tokens, logits, self.attend(look, question))

    def attend(self, look, prompt, layer=None):
        square = Image.new("L", (max(look.image_size),) * 2)
        margins = [(max(look.image_size) - side) // 2 for side in look.image_size]
        square.paste(look.image.convert("L"), tuple(margins))
        cells = np.asarray(square.resize((SIDE, SIDE)), dtype=np.float32)
        brightness = cells.reshape(8, 4, 8, 4).mean(axis=(1, 3)).ravel() + 1
        return brightness / brightness.sum() if prompt != "Describe." else UNIFORM

    def decode_token(self, token_id):
        return f"<{token_id}>"


def picture(width=200, height=100, spot=(150, 40)) -> Image.Image:
    """Noise, too fine to survive the global image, and one bright spot."""
    noise = np.random.default_rng(0).integers(0, 60, (height, width, 3), dtype=np.uint8)
    image = Image.fromarray(noise)
    image.paste("white", (spot[0], spot[1], spot[0] + 20, spot[1] + 20))
    return image
