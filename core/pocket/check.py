"""What a model in training reads of validation pictures, answering freely.

Never by teacher forcing: its accuracy looks like 45 % when the model says one word to everything.
Strings, typefaces and sentences are those of validation; half of the pictures are disturbed.
"""

from functools import cache

import numpy as np
import torch

from core.imaging import Codec
from core.pocket.examples.example import to_input
from core.pocket.examples.strips import picture_of_a_text
from core.pocket.model import GRID
from core.signs import conditions
from core.signs.scenes import scene_rng
from core.signs.world.asking import ask_text
from core.signs.world.phrasing import HELD_OUT, KNOWN, Speaker, calm

KINDS = ("upper", "lower", "random", "long", "pair", "price")
EACH = 10  # pictures of each kind
LONGEST_ANSWER = 18  # tokens


@cache
def pictures() -> tuple[tuple[str, np.ndarray, str, str], ...]:
    """Kind of string, pixels (192, 192, 3), question and answer of each picture."""
    found = []
    for index in range(EACH * len(KINDS)):
        kind = KINDS[index % len(KINDS)]
        rng = scene_rng("validation", index, 90_000)
        image, scene = picture_of_a_text(rng, (192, 32 + 16 * (index % 5)), "validation", kind)
        if index // len(KINDS) % 2:
            image = conditions.apply(image, conditions.draw(rng, 0.5))
        codec = Codec("jpeg", 75)
        classes = (*KNOWN, *HELD_OUT["validation"])
        question = ask_text(rng, scene, scene.signs[0], Speaker("validation", classes))
        pixels = to_input(codec.decode(codec.encode(image)))
        found.append((kind, pixels, question.text, question.answer))
    return tuple(found)


def check(trainee, tokenizer) -> dict[str, float | dict[str, str]]:
    """Right answers in percent: of all pictures, ignoring case, and of each kind of string.

    "said" has the first few, by what was right.
    """
    trainee.eval()
    rows = pictures()
    said = [
        answer
        for first in range(0, len(rows), 12)
        for answer in answers(trainee, tokenizer, [row[1:3] for row in rows[first : first + 12]])
    ]
    trainee.train()
    right = np.array([text == row[3] for text, row in zip(said, rows, strict=True)])
    alike = [text.lower() == row[3].lower() for text, row in zip(said, rows, strict=True)]
    kinds = np.array([row[0] for row in rows])
    shares = {"all": right.mean(), "ignoring case": np.mean(alike)}
    shares |= {kind: right[kinds == kind].mean() for kind in KINDS}
    examples = {row[3]: text for text, row in zip(said[:8], rows[:8], strict=True)}
    return {
        **{name: round(100 * float(share), 1) for name, share in shares.items()},
        "said": examples,
    }


@torch.inference_mode()
def answers(trainee, tokenizer, asked: list[tuple[np.ndarray, str]]) -> list[str]:
    """Greedy answers to questions about a picture each."""
    device = trainee.mean.device
    pixels = torch.from_numpy(np.stack([image for image, _ in asked])).permute(0, 3, 1, 2)
    pixels = (pixels.to(device).float() - trainee.mean) / trainee.std
    image = tokenizer.convert_ids_to_tokens(trainee.image_id)
    prompts = [f"<s>{image * GRID**2}\n{calm(question)}\nAnswer:" for _, question in asked]
    inputs = tokenizer(prompts, return_tensors="pt", padding=True, add_special_tokens=False)
    out = trainee.vlm.generate(
        **{k: v.to(device) for k, v in inputs.items() if k != "token_type_ids"},
        pixel_values=pixels, max_new_tokens=LONGEST_ANSWER, do_sample=False,
    )  # fmt: skip
    told = out[:, inputs["input_ids"].shape[1] :]
    return [text.strip() for text in tokenizer.batch_decode(told, skip_special_tokens=True)]
