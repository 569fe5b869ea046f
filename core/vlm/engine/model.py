"""An engine behind the interface of core.vlm.base: it answers over HTTP, and another one looks."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
from PIL import Image

from core.imaging import Fit, Geometry
from core.vlm.base import (
    MAX_NEW_TOKENS,
    VLM,
    Generation,
    Look,
    ModelAway,
    ModelInfo,
    Request,
    VLMError,
)
from core.vlm.engine.address import Address
from core.vlm.engine.endpoint import Endpoint, Refused
from core.vlm.engine.held import EngineLook
from core.vlm.engine.looking import Looker, Scout
from core.vlm.engine.reply import Reply, read_reply
from core.vlm.engine.request import body, data_url, defused
from core.vlm.engine.trial import Trial
from core.vlm.loading.instructions import instructed

__all__ = ["Engine"]

AT_ONCE = 16  # requests in flight


class Engine(VLM):
    """A model that is served somewhere else.

    looks: who looks for the box. fit: how images are brought to it. said: what else `ModelInfo`
    is to hold. trial: what was found out about it.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        address: Address,
        trial: Trial,
        looks: Looker,
        fit: Fit,
        instruction: str,
        **said: Any,
    ):
        self._endpoint, self._address, self.looks = endpoint, address, looks
        self._likeliest, self._refusals = trial.asked, trial.sentence
        self._pool = ThreadPoolExecutor(AT_ONCE, thread_name_prefix="engine")
        settings = looks.settings
        where = f"the engine at {endpoint.where}"
        self.info = ModelInfo(
            name=address.name, family="engine", parameters=0, hidden=0, layers=looks.layers,
            visual_tokens=0, fit=fit, attention_layer=settings.attention_layer,
            base_side=settings.base_side, generic_prompt=settings.generic_prompt,
            thresholds=settings.thresholds, min_cells=settings.min_cells, instruction=instruction,
            layer_source=looks.layer_source, unshared=f"{where} keeps what it has read, or doesn't",
            look_bytes=looks.look_bytes if isinstance(looks, Scout) else 0,
            look=looks.name, likeliest=trial.likeliest, **said,
        )  # fmt: skip

    # Who answers.

    def prompt_text(self, question: str, n_images: int) -> str:
        """Return what the engine's template is given: images, then text."""
        return "<image>" * n_images + self._text(question)

    def look(self, image: Image.Image) -> Look:
        return EngineLook(image.size, image, data_url(image))

    def answer(
        self,
        look: Look,
        question: str,
        local: Image.Image | Sequence[Image.Image] | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        draft: Sequence[int] = (),
    ) -> Generation:
        return self.answer_batch([Request(look, question, local)], max_new_tokens)[0]

    def answer_batch(
        self, requests: Sequence[Request], max_new_tokens: int = MAX_NEW_TOKENS
    ) -> list[Generation]:
        """Return the answers. A draft is of no use to an engine: it decodes as it likes."""
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, not {max_new_tokens}.")
        asked = [
            ([_own(one.look).url, *map(data_url, one.locals)], self._text(one.question))
            for one in requests
        ]
        return [_generation(reply) for reply in self._all(asked, max_new_tokens)]

    def decode_token(self, token_id: int) -> str:
        return f"<{token_id}>"  # an engine tells texts, and no ids

    def visual_tokens(self, image_size: tuple[int, int]) -> int:
        return 0

    @property
    def abilities(self) -> frozenset[str]:
        return frozenset({"yes"} if (self.info.likeliest or 0) > 1 else ())

    # Who looks.

    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        return self.looks.geometry(image_size)

    def attend(self, look: Look, prompt: str, layer: int | None = None) -> np.ndarray:
        return self.attend_batch([look], [prompt], layer)[0]

    def attend_batch(
        self, looks: Sequence[Look], prompts: Sequence[str], layer: int | None = None
    ) -> list[np.ndarray]:
        return self.looks.attend_batch(self, [_own(look) for look in looks], prompts, layer)

    def say_all(
        self, prompts: Sequence[tuple[Sequence[Image.Image], str]], max_tokens: int
    ) -> list[Reply]:
        """Return what it says to texts of ours, which get no instruction, about their images."""
        asked = [([data_url(image) for image in images], defused(text)) for images, text in prompts]
        return self._all(asked, max_tokens)

    def _text(self, question: str) -> str:
        return defused(instructed(question, self.info.instruction))

    def _all(self, asked: Sequence[tuple[Sequence[str], str]], max_tokens: int) -> list[Reply]:
        if len(asked) == 1:
            return [self._ask(asked[0], max_tokens)]
        return list(self._pool.map(lambda one: self._ask(one, max_tokens), asked))

    def _ask(self, asked: tuple[Sequence[str], str], max_tokens: int) -> Reply:
        urls, text = asked
        content = body(self._address, urls, text, max_tokens, self._likeliest)
        try:
            said = self._endpoint.post("chat/completions", content)
        except Refused as refusal:
            kind = ModelAway if isinstance(refusal, ModelAway) else VLMError
            raise kind(self._refusals(refusal)) from None
        return read_reply(said, self._endpoint.where)


def _own(look: Look) -> EngineLook:
    if not isinstance(look, EngineLook):
        raise ValueError("This look was made by another model.")
    return look


def _generation(reply: Reply) -> Generation:
    tokens = tuple(row[0][0] for row in reply.tokens)
    generation = Generation(
        text=reply.text, token_ids=(-1,) * len(tokens), tokens=tokens,
        logits=np.empty((len(tokens), 0), np.float32), attention=np.empty(0, np.float32),
        prompt_tokens=reply.prompt_tokens, likeliest=reply.tokens,
    )  # fmt: skip
    try:
        _ = generation.evidence
    except ValueError as error:
        raise VLMError(f"The engine's log-probabilities can't be used: {error}") from None
    return generation
