"""What every family has in common: one look, whose prefix all prompts about its image continue.

A family contributes what differs: how images become visual tokens (`_encode`), where they lie on
the image (`_geometry`, and `_cells` if not all of them do) and its facts; and where it is not what
most do, how a question is written (`_text`), where the language model places tokens (`_positions`),
and what it reads of an image for one question (`_for_question`).
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass, replace
from functools import cached_property, partial
from typing import Any, ClassVar, NamedTuple

import numpy as np
import torch
from PIL import Image
from transformers import BatchFeature, PreTrainedModel, PreTrainedTokenizerFast

from core.imaging import Fit, Geometry
from core.vlm.base import MAX_NEW_TOKENS, VLM, Generation, Look, ModelInfo, Request, Tally, VLMError
from core.vlm.capture import AttentionRow, AttentionRows, capture_attention
from core.vlm.decode import (
    LanguageModel,
    Prompt,
    decode_drafted,
    decode_greedily,
    read,
    with_draft,
)
from core.vlm.detailed import in_own_way
from core.vlm.flops.tally import add, counted, tallied, tallying
from core.vlm.inside import Inside
from core.vlm.loading.checkpoint import Checkpoint, Options, explained
from core.vlm.loading.ends import end_ids
from core.vlm.loading.fit import preparation
from core.vlm.loading.instructions import instructed, instruction
from core.vlm.loading.layers import attention_layer
from core.vlm.loading.memory import cache_bytes
from core.vlm.loading.settings import Settings
from core.vlm.prefix import Prefix, common_length
from core.vlm.text import defuse, readable, special_tokens

# Two questions that begin differently: what they have in common, all prompts about the image have.
_PROBES = ("a", "0")

# On a CPU, more images at once fall out of its caches: of pocket's tower, one image takes 41 ms, as
# one of four 36 ms and as one of sixteen 44 ms (one core).
_IMAGES_AT_ONCE_ON_CPU = 4

_BLANK = Image.new("RGB", (64, 32))


@dataclass(frozen=True, eq=False)
class Visual:
    """An image as it stands in a prompt."""

    size: tuple[int, int]  # (width, height) of the image
    ids: tuple[int, ...]  # what takes its placeholder's place; text between its tokens, too
    features: torch.Tensor  # x = f_v(I) of eq. 1, (n, width), one row for each image token of `ids`
    spread: torch.Tensor | None = None  # (n, cells): where no token is a cell, what each one reads


@dataclass(frozen=True, eq=False)
class AdapterLook(Look):
    """The images looked at as visual tokens, and the beginning of every prompt about them."""

    visual: Visual  # of the global image
    prefix: Prefix | None
    local: Visual | None = None  # of a local image behind it

    @property
    def visuals(self) -> tuple[Visual, ...]:
        return (self.visual,) if self.local is None else (self.visual, self.local)

    @property
    def nbytes(self) -> int:
        features = sum(visual.features.nbytes for visual in self.visuals)
        return features + (self.prefix.nbytes if self.prefix else 0)


class AsPublished(NamedTuple):
    """How a checkpoint prepares images by itself."""

    fit: Fit
    image_processor: Any


class Adapter(Inside):
    """A model of transformers behind the interface of core.vlm.base. No state between calls."""

    batches = True
    obstacle: ClassVar[str | None] = None  # why no model of a family can share a prefix, if so
    several: ClassVar[bool] = False  # whether a family was trained on prompts with several images
    language_model: ClassVar[type[LanguageModel]] = LanguageModel

    def __init__(
        self,
        checkpoint: Checkpoint,
        model: PreTrainedModel,
        processor: Any,  # of a ProcessorMixin, whose parts differ from family to family
        options: Options,
    ):
        self._name = checkpoint.name
        # Their parts differ from family to family.
        self._model: Any = model
        self._processor: Any = processor
        with explained(checkpoint):
            own = AsPublished(self._own_fit(), deepcopy(processor.image_processor))
            self.as_published = own
            self._preparation = preparation(
                options.fit, options.resolution, own.fit, self._side(), self._default_way(),
                processor.image_processor.image_mean,
            )  # fmt: skip
            self._adjust()
        self._language = self.language_model(model)
        self._flops_by_shape: dict[tuple, int] = {}  # of encoding an image
        self._tokenizer: PreTrainedTokenizerFast = processor.tokenizer
        if processor.chat_template is None:  # some checkpoints keep it with the tokenizer
            processor.chat_template = _for_images(self._tokenizer.chat_template)
        self._image_id: int = model.config.image_token_id
        self._special = special_tokens(self._tokenizer)
        self._special[self._image_id] = str(self._processor.image_token)
        self._end_ids = end_ids(checkpoint, processor, self._special)
        # The tokenizer's own __call__ sets these on the shared backend at every call, under the
        # hands of other threads. Set once here, the backend only reads.
        self._backend = self._tokenizer.backend_tokenizer
        self._backend.no_truncation()
        self._backend.no_padding()
        self._backend.encode_special_tokens = False
        capture_attention(model)
        model.requires_grad_(False)  # a gradient is of an attention row or a pixel, not of weights
        with explained(checkpoint):
            self.info = self._describe(checkpoint)

    # What a family contributes.

    @abstractmethod
    def _encode(self, images: Sequence[Image.Image]) -> list[Visual]:
        """Each image as the language model's visual tokens."""

    @abstractmethod
    def _geometry(self, image_size: tuple[int, int]) -> Geometry:
        """`geometry` of an image that is not prepared before (core.vlm.loading.fit); raises
        VLMError if it can't be followed."""

    @abstractmethod
    def _defaults(self, layers: int) -> Settings:
        """Return what stands where a checkpoint says nothing of itself."""

    @abstractmethod
    def _own_fit(self) -> Fit:
        """Return how an edge does what the checkpoint's own preparation does with an original."""

    @abstractmethod
    def _side(self) -> int:
        """Of the square to which images are padded, cropped or stretched, in pixels."""

    def _default_way(self) -> str:
        """One of core.vlm.loading.arguments.FITS."""
        return "stretch"

    def _adjust(self) -> None:
        """Let the checkpoint's own preparation do no more than is wanted; it is called once."""

    def _unadjusted(self) -> Any:
        """Return the model for the checkpoint's own preparation, on the same weights."""
        return self._model

    def _cells(self, image_size: tuple[int, int]) -> torch.Tensor | None:
        """Return which of an image's tokens (cells,) are its grid, row by row; None: all."""
        return None

    def _count(self, image_size: tuple[int, int]) -> int:
        """Return how many tokens an image is, those that aren't cells of its grid included."""
        rows, cols = self._geometry(image_size).grid
        return rows * cols

    def _text(self, question: str, n_images: int) -> str:
        """The prompt, one placeholder an image."""
        if self._processor.chat_template is None:
            raise VLMError(
                f"{self._name!r} has no chat template, so how it is to be prompted can't be told."
            )
        content = [{"type": "image"}] * n_images + [{"type": "text", "text": question}]
        return self._processor.apply_chat_template(
            [{"role": "user", "content": content}], add_generation_prompt=True
        )

    def _positions(self, ids: torch.Tensor, visuals: Sequence[Visual]) -> torch.Tensor:
        """Return the position of every token of a prompt (n,), or (n, axes) where a model counts
        along several axes.
        """
        return torch.arange(len(ids), device=ids.device)

    def _for_question(self, question: str, visuals: Sequence[Visual]) -> Sequence[Visual]:
        """Return what the language model reads of these images when it is asked this."""
        return visuals

    def _names(self) -> Collection[str]:
        """Return what no question may spell."""
        return self._special.values()

    # What the plain path of core.vlm.reference has to know of a family.

    def plain_inputs(
        self, processor: Any, text: str, images: Sequence[Image.Image]
    ) -> BatchFeature:
        """Return what `generate` of the model takes, for a prompt as `prompt_text` writes it."""
        begin = processor.tokenizer.bos_token
        return processor(
            text=text,
            images=list(images),
            return_tensors="pt",
            add_special_tokens=begin is None or not text.startswith(begin),
        )

    def plain_row(
        self, model: Any, inputs: BatchFeature, image_size: tuple[int, int], layer: int
    ) -> torch.Tensor:
        """The last prompt token's attention over the first image's grid, by a full eager pass.

        image_size: of that image, as `plain_inputs` was given it.
        """
        layers = model(**inputs, output_attentions=True).attentions
        weights = layers[layer][0, :, -1].float().mean(dim=0)
        visual = (inputs["input_ids"][0] == self._image_id).nonzero()[:, 0]
        return weights[self._on_grid(visual, image_size)]

    # What all have in common.

    def geometry(self, image_size: tuple[int, int]) -> Geometry:
        return self._preparation.geometry(self._geometry, image_size)

    def visual_tokens(self, image_size: tuple[int, int]) -> int:
        return self._count(self._preparation.seen(image_size))

    def prompt_text(self, question: str, n_images: int) -> str:
        """The prompt, one placeholder an image; in the question nothing spells a special token."""
        return self._text(self.instructed(question), n_images)

    def instructed(self, question: str) -> str:
        """The question with the instruction, in which nothing spells a special token."""
        return self.defused(instructed(question, self._instruction))

    def defused(self, question: str) -> str:
        return defuse(question, self._names())

    def prepared(self, image: Image.Image) -> Image.Image:
        """The image as it is given to the checkpoint's own preparation."""
        return self._preparation.prepared(image)

    @contextmanager
    def tally(self) -> Iterator[Tally]:
        with tallied() as tally:
            yield tally

    def look(self, image: Image.Image) -> Look:
        return self.look_batch([image])[0]

    def answer(
        self,
        look: Look,
        question: str,
        local: Image.Image | Sequence[Image.Image] | None = None,
        max_new_tokens: int = MAX_NEW_TOKENS,
        draft: Sequence[int] = (),
    ) -> Generation:
        return self.answer_batch([Request(look, question, local, draft)], max_new_tokens)[0]

    def attend(self, look: Look, prompt: str, layer: int | None = None) -> np.ndarray:
        return self.attend_batch([look], [prompt], layer)[0]

    @torch.inference_mode()
    def look_batch(self, images: Sequence[Image.Image]) -> list[Look]:
        seen = [(visual,) for visual in self._encode_all(images)]
        return self._looks(images, seen, [None] * len(images))

    def zoom(self, look: Look, local: Image.Image) -> Look:
        return self.zoom_batch([look], [local])[0]

    @torch.inference_mode()
    def zoom_batch(self, looks: Sequence[Look], images: Sequence[Image.Image]) -> Sequence[Look]:
        held = [_own(look) for look in looks]
        seen = [
            (look.visual, visual)
            for look, visual in zip(held, self._encode_all(images), strict=True)
        ]
        return self._looks(images, seen, [look.prefix for look in held])

    def _looks(
        self,
        images: Sequence[Image.Image],
        seen: Sequence[tuple[Visual, ...]],
        prefixes: Sequence[Prefix | None],
    ) -> list[Look]:
        """Looks at images, each behind what is `seen` before it, that continue these prefixes."""
        if images and self.info.unshared is None:
            prompts = [self._embed(self._common_ids(visuals), visuals) for visuals in seen]
            # Of the last layer, nothing but keys and values is needed.
            enough = AttentionRow(self._language.layers - 1, stop=True)
            cache = read(self._language, prompts, prefixes, enough).cache
            prefixes = [
                cache.prefix(row, prompt.ids, needed=self._end_of_images(prompt.ids))
                for row, prompt in enumerate(prompts)
            ]
        return [
            AdapterLook(image.size, visuals[0], prefix, visuals[1] if visuals[1:] else None)
            for image, visuals, prefix in zip(images, seen, prefixes, strict=True)
        ]

    @torch.inference_mode()
    def answer_batch(
        self, requests: Sequence[Request], max_new_tokens: int = MAX_NEW_TOKENS
    ) -> list[Generation]:
        if max_new_tokens < 1:
            raise ValueError(f"max_new_tokens must be at least 1, not {max_new_tokens}.")
        alike: dict[tuple[int, int], list[int]] = {}
        for index, request in enumerate(requests):
            images = len(_own(request.look).visuals), len(request.locals)
            alike.setdefault(images if self._on_cpu else (0, 0), []).append(index)
        answers: dict[int, Generation] = {}
        for indices in alike.values():
            some = [requests[index] for index in indices]
            answers |= zip(indices, self._answer_alike(some, max_new_tokens), strict=True)
        return [answers[index] for index in range(len(requests))]

    # Prompts of one batch are padded to the longest. On a CPU, where that is computed too, first
    # stages beside second ones would take as long: of pocket, six of each take 0.88 s as one batch,
    # and 0.72 s as two (one core).
    def _answer_alike(self, requests: Sequence[Request], max_new_tokens: int) -> list[Generation]:
        """Answer requests about as many images each, as one batch."""
        locals_ = iter(self._encode_all([image for r in requests for image in r.locals]))
        prompts = []
        for request in requests:
            visuals = [*_own(request.look).visuals, *(next(locals_) for _ in request.locals)]
            prompts.append(self._prompt(request.question, visuals, max_new_tokens))
        prefixes = [_own(request.look).prefix for request in requests]
        # The answers of a batch are decoded all at once: drafts would save it nothing.
        draft = self._draft(requests[0].draft, max_new_tokens) if len(requests) == 1 else []
        room = max_new_tokens - 1 - len(draft)
        row = AttentionRow(self.info.attention_layer, after=len(draft))
        language = self._language
        if draft:
            drafted = [with_draft(language, prompts[0], draft)]
            reading = read(language, drafted, prefixes, row, room, len(draft))
            answers = [decode_drafted(language, reading, draft, self._end_ids, max_new_tokens)]
        else:
            reading = read(language, prompts, prefixes, row, room)
            answers = decode_greedily(language, reading, self._end_ids, max_new_tokens)
        if any(logits.isnan().any() for _, logits in answers):
            raise VLMError(self._not_numbers())
        attention = _over_grid(row.weights, prompts, reading.slots)
        inside = self._inside(requests, row.weights, reading.slots)
        return [
            Generation(
                text=self._backend.decode(ids, skip_special_tokens=True).strip(),
                token_ids=tuple(ids),
                tokens=tuple(self.decode_token(token_id) for token_id in ids),
                logits=logits.cpu().numpy(),
                attention=weights,
                prompt_tokens=len(prompt.ids),
                inside=zoomed,
            )
            for (ids, logits), weights, prompt, zoomed in zip(
                answers, attention, prompts, inside, strict=True
            )
        ]

    def _inside(
        self, requests: Sequence[Request], rows: torch.Tensor | None, slots: Sequence[torch.Tensor]
    ) -> list[np.ndarray | None]:
        """Return the part of each row over the local image's grid, of looks at both images."""
        assert rows is not None, "no row was asked for"
        found: list[np.ndarray | None] = []
        for request, row, where in zip(requests, rows, slots, strict=True):
            look = _own(request.look)
            if look.local is None or request.locals:
                found.append(None)
                continue
            prompt = self._prompt(request.question, look.visuals, over=-1)
            found += _over_grid(row[None], [prompt], [where])
        return found

    # A question and the generic prompt are not read as one batch. Alone, the generic suffix stops
    # at its layer and takes 2 to 3 % of a retransmitted question (pocket; 1 % with 576 visual
    # tokens), and nothing of a question that is not retransmitted.
    @torch.inference_mode()
    def attend_batch(
        self, looks: Sequence[Look], prompts: Sequence[str], layer: int | None = None
    ) -> list[np.ndarray]:
        if not looks:
            return []
        inputs = [
            self._prompt(text, _own(look).visuals, over=-1)
            for look, text in zip(looks, prompts, strict=True)
        ]
        layer = self.info.attention_layer if layer is None else layer
        if not 0 <= layer < self._language.layers:
            raise ValueError(f"layer must be 0 to {self._language.layers - 1}, not {layer}.")
        row = AttentionRow(layer, stop=True)
        reading = read(self._language, inputs, [_own(look).prefix for look in looks], row)
        return _over_grid(row.weights, inputs, reading.slots)

    @torch.inference_mode()
    def attend_layers(self, look: Look, prompt: str) -> np.ndarray:
        inputs = [self._prompt(prompt, _own(look).visuals, over=-1)]
        rows = AttentionRows(self._language.layers - 1, stop=True)
        reading = read(self._language, inputs, [_own(look).prefix], rows)
        return np.stack([_over_grid(one, inputs, reading.slots)[0] for one in rows.of_layers])

    def in_full_detail(self) -> VLM | None:
        return self._detailed

    @cached_property
    def _detailed(self) -> Adapter | None:
        return in_own_way(self)

    def _question(self, look: Look, prompt: str) -> tuple[Prompt, Prefix | None]:
        own = _own(look)
        return self._prompt(prompt, own.visuals, over=-1), own.prefix

    def decode_token(self, token_id: int) -> str:
        return readable(token_id, self._tokenizer, self._special)

    def _describe(self, checkpoint: Checkpoint) -> ModelInfo:
        """The model's facts. One blank image is encoded: it shows whether the parts of the
        checkpoint fit each other, and whether its images can be followed to the grid."""
        text_config = self._model.config.get_text_config()
        family, layers = self._model.config.model_type, text_config.num_hidden_layers
        with torch.inference_mode():
            defaults = replace(self._defaults(layers), instruction=instruction(family, layers))
            settings = defaults
            for where, said in checkpoint.said:
                settings = settings.override(said, layers, where)
            self._instruction = settings.instruction
            (visual,) = self._encode_all([_BLANK])
            (read,) = self._for_question(_PROBES[0], [visual])
            count = self.visual_tokens(_BLANK.size)
            if len(read.features) != count:
                raise VLMError(
                    f"{checkpoint.name!r} turns an image into {len(read.features)} visual tokens "
                    f"where {count} were expected: its images can't be followed here."
                )
            self._check_prompts(visual)  # refused here rather than at the first question
            unshared = self._why_unshared(visual)
        fit = self._preparation.fit
        _, source = attention_layer(family, layers)
        calibrated: set[str] = set()
        for where, said in checkpoint.said:
            calibrated |= set(said.get("thresholds", ()))
            if "attention_layer" in said:
                source = f"set in {where}"
        return ModelInfo(
            name=checkpoint.name,
            family=family,
            revision=checkpoint.revision,
            parameters=self._model.num_parameters(),
            hidden=text_config.hidden_size,
            layers=layers,
            visual_tokens=self.visual_tokens(fit.input_size),
            look_bytes=self._look_bytes(
                visual, self.visual_tokens(fit.input_size) / count, unshared
            ),
            fit=fit,
            load={"fit": self._preparation.way},
            unshared=unshared,
            layer_source=source,
            several=self.several,
            calibrated=frozenset(calibrated),
            **vars(settings),
        )

    def _look_bytes(self, visual: Visual, times: float, unshared: str | None) -> int:
        """What a look takes at an image of so many times as many tokens as this one has."""
        features = times * visual.features.nbytes
        if unshared is not None:
            return int(features)
        tokens = len(self._common_ids((visual,))) + (times - 1) * len(visual.features)
        text = self._model.config.get_text_config()
        return int(features) + cache_bytes(text, round(tokens), self._model.dtype)

    def _not_numbers(self) -> str:
        dtype = str(self._model.dtype).removeprefix("torch.")
        if dtype == "float16":
            return (
                f"{self._name!r} computes numbers too large for float16, and so no answer: load it "
                "with --dtype bf16 or fp32."
            )
        return (
            f"{self._name!r} computes what is not a number in {dtype}: its weights are damaged, so "
            "get them again."
        )

    def _layer(self, layers: int) -> int:
        """The family's layer for a language model of so many."""
        return attention_layer(self._model.config.model_type, layers)[0]

    def _draft(self, draft: Sequence[int], max_new_tokens: int) -> list[int]:
        """Return what of a draft is worth trying: there is nothing to read behind an end token."""
        end = next((i for i, one in enumerate(draft) if one in self._end_ids), len(draft))
        return list(draft[: min(end, max_new_tokens - 1)])

    @property
    def _on_cpu(self) -> bool:
        return bool(self._model.device.type == "cpu")

    def _encode_all(self, images: Sequence[Image.Image]) -> list[Visual]:
        step = _IMAGES_AT_ONCE_ON_CPU if self._on_cpu else max(len(images), 1)
        images = [self.prepared(image) for image in images]
        visuals: dict[int, Visual] = {}
        for i, image in enumerate(images):
            if tallying():
                # Counted once for every shape that the images of this model take.
                shape = self._geometry(image.size).input_size, self._count(image.size)
                if shape not in self._flops_by_shape:
                    work = partial(self._encode, [image])
                    alone, self._flops_by_shape[shape] = counted(work)
                    if len(images) == 1:
                        visuals[i] = alone[0]
                    # Of several, it is encoded with the others all the same: what a batch gives
                    # must not depend, not even in the last bit, on what was asked before.
                add(partial(self._flops_by_shape.__getitem__, shape))
        rest = [i for i in range(len(images)) if i not in visuals]
        for start in range(0, len(rest), step):
            batch = rest[start : start + step]
            encoded = self._encode([images[i] for i in batch])
            visuals |= zip(batch, encoded, strict=True)
        return [visuals[i] for i in range(len(images))]

    def _prompt(
        self, question: str, visuals: Sequence[Visual], reserve: int = 0, over: int = 0
    ) -> Prompt:
        """Text and images, the global one first; ``reserve`` counts the tokens that may follow.

        over: the index of the image over whose grid attention is asked for.
        """
        visuals = self._read_for(question, visuals)
        ids = self._ids(question, visuals)
        longest = self._model.config.get_text_config().max_position_embeddings
        if len(ids) + reserve > longest:
            images = sum(len(visual.features) for visual in visuals)
            if images + reserve >= longest:  # no question is short enough
                raise VLMError(
                    f"This model reads {longest} tokens at most, as its config.json says "
                    f"(max_position_embeddings), and the images alone take {images}."
                )
            raise VLMError(
                f"The question is too long for this model: shorten it by "
                f"{len(ids) + reserve - longest} tokens."
            )
        return self._embed(ids, visuals, over)

    def _read_for(self, question: str, visuals: Sequence[Visual]) -> Sequence[Visual]:
        if not tallying():
            return self._for_question(question, visuals)
        visuals, flops = counted(lambda: self._for_question(question, visuals))
        add(lambda: flops)
        return visuals

    def _embed(self, ids: Sequence[int], visuals: Sequence[Visual], over: int = 0) -> Prompt:
        """A prompt, or the beginning of one, that holds these images; the global one first."""
        input_ids = torch.tensor(ids, device=self._model.device)
        placeholders = input_ids == self._image_id
        embeddings = self._language.embed(input_ids)
        features = torch.cat([visual.features for visual in visuals]).to(embeddings.dtype)
        # Features may be wider: what is beyond goes to later layers, and text has nothing there.
        beyond = features.shape[-1] - embeddings.shape[-1]
        embeddings = torch.nn.functional.pad(embeddings, (0, beyond))
        embeddings[placeholders] = features
        counts = [len(visual.features) for visual in visuals]
        where = placeholders.nonzero()[:, 0].split(counts)[over]
        return Prompt(
            ids=tuple(ids),
            embeddings=embeddings,
            positions=self._positions(input_ids, visuals),
            visual=self._on_grid(where, visuals[over].size),
            spread=visuals[over].spread,
        )

    def _on_grid(self, visual: torch.Tensor, image_size: tuple[int, int]) -> torch.Tensor:
        """Return those of an image's tokens (n,) that are on its grid, which come first."""
        visual, cells = visual[: self._count(image_size)], self._cells(image_size)
        return visual if cells is None else visual[cells]

    def _ids(self, question: str, visuals: Sequence[Visual]) -> list[int]:
        """The prompt's tokens, every visual one in its place; the global image's first.

        Raises VLMError if the images have no place in it, or the model doesn't know a token.
        """
        ids = self._tokenize(question, len(visuals))
        if (places := ids.count(self._image_id)) != len(visuals):
            raise VLMError(
                f"The chat template of {self._name!r} gives {places} places "
                f"to {len(visuals)} images."
            )
        images = iter(visuals)
        expanded: list[int] = []
        for token_id in ids:
            expanded += next(images).ids if token_id == self._image_id else [token_id]
        known = self._model.get_input_embeddings().num_embeddings
        if max(expanded) >= known:
            raise VLMError(
                f"The tokenizer of {self._name!r} gives a text the token {max(expanded)}, and its "
                f"language model knows {known:,}: they belong to two checkpoints, so download both "
                "of one."
            )
        return expanded

    def _tokenize(self, question: str, n_images: int) -> list[int]:
        """The prompt's tokens, one placeholder an image."""
        text = self.prompt_text(question, n_images)
        begin = self._tokenizer.bos_token
        written = begin is not None and text.startswith(begin)
        return self._backend.encode(text, add_special_tokens=not written).ids

    def _common_ids(self, visuals: Sequence[Visual]) -> list[int]:
        """The longest common token prefix of every prompt about these images.

        Behind a global image alone, a local one may follow.
        """
        prompts = [self._ids(probe, visuals) for probe in _PROBES]
        if len(visuals) == 1:
            prompts.append(self._ids(_PROBES[0], [*visuals, *visuals]))
        return prompts[0][: common_length(*prompts)]

    def _end_of_images(self, ids: Sequence[int]) -> int:
        """Return how many tokens there are up to the last visual one."""
        return max(i for i, token_id in enumerate(ids) if token_id == self._image_id) + 1

    def _check_prompts(self, visual: Visual) -> None:
        """Raise VLMError if no question about an image, of any, can be written."""
        first, second = (self.prompt_text(probe, 1) for probe in _PROBES)
        if first == second:
            raise VLMError(f"The chat template of {self._name!r} leaves the question out.")
        self._ids(_PROBES[0], [visual])

    def _why_unshared(self, visual: Visual) -> str | None:
        """Return why prompts have no beginning in common that holds the image; None if they have.

        visual: any image.
        """
        if self.obstacle is not None:
            return self.obstacle
        try:
            common = self._common_ids((visual,))
        except VLMError as error:  # no place for a second image
            return str(error)
        if common.count(self._image_id) < len(visual.features):
            return "Its prompts begin to differ before the image has ended."
        return None


def _for_images(kept: str | Mapping[str, str] | None) -> str | None:
    """Return the tokenizer's chat template, of several by name its default, if it is one for
    images: a text model's puts them nowhere.
    """
    template = kept.get("default") if isinstance(kept, Mapping) else kept
    return template if template is not None and "image" in template else None


def _own(look: Look) -> AdapterLook:
    assert isinstance(look, AdapterLook), "only the adapter that made a look can use it"
    return look


def _over_grid(
    rows: torch.Tensor | None, prompts: Sequence[Prompt], slots: Sequence[torch.Tensor]
) -> list[np.ndarray]:
    """Return the part of the captured rows (batch, slots) over each image's grid, (n_v,)."""
    spread = []
    assert rows is not None, "no row was asked for"
    for weights, prompt, where in zip(rows, prompts, slots, strict=True):
        one = weights[where[prompt.visual]]
        one = one if prompt.spread is None else one @ prompt.spread
        spread.append(one.cpu().numpy())
    return spread
