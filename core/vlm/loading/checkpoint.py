"""The way from what the user typed to loaded parts, or to one sentence about why not.

Weights come as safetensors only and no code of a checkpoint is ever run. A directory never touches
the network; the hub is asked only if the user named a model of it.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field, replace
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from huggingface_hub import (
    get_hf_file_metadata,
    hf_hub_download,
    hf_hub_url,
    snapshot_download,
    try_to_load_from_cache,
)
from huggingface_hub.errors import (
    GatedRepoError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
)
from jinja2 import TemplateError
from transformers import AutoConfig, BitsAndBytesConfig, PreTrainedConfig, PreTrainedModel

from core.support.bundled import POCKET
from core.support.proxies import faults
from core.vlm.base import ModelInfo, VLMError
from core.vlm.capture import ATTENTION, FLASH
from core.vlm.loading.arguments import FITS
from core.vlm.loading.memory import (
    free_bytes,
    weight_bytes,
    weight_files,
    weight_numbers,
    working_bytes,
)
from core.vlm.loading.progress import Progress, download_bar, loading_weights
from core.vlm.loading.refused import broken_file, packed_by, wrong_file
from core.vlm.loading.settings import OF_CHECKPOINT

FILES = ["*.json", "*.jinja", "*.safetensors", "*.model", "*.txt"]
OTHER_LAYOUTS = ["original/*", "onnx/*", "consolidated*"]  # the same weights once more

_HUB_ID = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9][\w.-]*")

_NUMBER = re.compile(r"(?<=\.)\d+(?=\.)")  # of a layer, in the name of a weight


@dataclass(frozen=True)
class Options:
    """How a model is loaded; see core.vlm.load_vlm. Raises VLMError for what can't be."""

    device: torch.device
    dtype: torch.dtype
    attention: str = "sdpa"
    bits: int | None = None
    resolution: int | None = None
    fit: str | None = None  # None: the family's
    progress: Progress | None = None

    def __post_init__(self) -> None:
        if self.attention not in ATTENTION:
            raise VLMError(
                f"{self.attention!r} is not a way to compute attention here: try "
                f"{' or '.join(map(repr, ATTENTION))}."
            )
        if self.attention == FLASH and (why := without_flash(self.device, self.dtype)) is not None:
            raise VLMError(why)
        if self.bits not in (None, 8, 4):
            raise VLMError(f"Weights can be loaded in 8 or 4 bits, not in {self.bits}.")
        if self.resolution is not None and self.resolution < 1:
            raise VLMError(f"The resolution must be above 0 pixels, not {self.resolution}.")
        if self.fit not in (None, *FITS):
            raise VLMError(
                f"{self.fit!r} is not a way to bring an image to a model: try {', '.join(FITS)}."
            )
        missing = [name for name in ("bitsandbytes", "accelerate") if find_spec(name) is None]
        if self.bits is not None and missing:
            raise VLMError(
                f"Loading in {self.bits} bits needs {' and '.join(missing)}: "
                f"pip install {' '.join(missing)}."
            )

    def said(self, info: ModelInfo) -> dict[str, Any]:
        """Return `ModelInfo.load`: these options and what was chosen, as values that JSON has."""
        return {
            "device": str(self.device),
            "dtype": str(self.dtype).removeprefix("torch."),
            "bits": self.bits,
            "attention": self.attention,
            "attention_layer": info.attention_layer,
            "resolution": self.resolution,
            "fit": info.load["fit"],
            "instruction": info.instruction,
            "base_side": info.base_side,
            "min_cells": info.min_cells,
            "generic_prompt": info.generic_prompt,
        }

    def of_model(self) -> dict[str, Any]:
        """Return what `from_pretrained` takes."""
        options: dict[str, Any] = {"dtype": self.dtype}
        if self.attention != "sdpa":  # which is what a model takes by itself wherever it can
            options["attn_implementation"] = self.attention  # FocalNet towers refuse sdpa by name
        if self.bits is not None:
            kind: dict[str, Any] = {f"load_in_{self.bits}bit": True}
            if self.bits == 4:
                kind["bnb_4bit_compute_dtype"] = self.dtype
            options["quantization_config"] = BitsAndBytesConfig(**kind)
        if self.bits is not None or (self.device.type != "cpu" and not self.through_host):
            options["device_map"] = {"": self.device}  # weights go there as they are read
        return options

    @property
    def through_host(self) -> bool:
        """Return whether the machine holds all weights before they go to the device."""
        return self.device.type != "cpu" and find_spec("accelerate") is None


@dataclass(frozen=True)
class Checkpoint:
    """Where a model lies, and its config.json."""

    name: str  # as the user wrote it
    location: str  # directory or hub id
    local: bool
    revision: str | None = None  # commit on the hub
    config: dict[str, Any] = field(default_factory=dict)
    chosen: tuple[tuple[str, Any], ...] = ()  # where, and the settings that are said there

    @property
    def said(self) -> tuple[tuple[str, Any], ...]:
        """Return where settings are said, and which: what comes later goes before."""
        return (OF_CHECKPOINT, self.config.get("second_look", {})), *self.chosen

    def fetched(self, progress: Progress | None = None) -> Checkpoint:
        """Return the checkpoint with all its files on this machine: those of the hub are
        downloaded, of one commit.
        """
        if self.local:
            return self
        with explained(self):
            folder = snapshot_download(
                self.location,
                revision=self.revision,
                allow_patterns=FILES,
                ignore_patterns=OTHER_LAYOUTS,
                tqdm_class=download_bar(progress),
            )
        _check_files(self.name, Path(folder))
        return replace(self, location=folder)

    def with_settings(self, where: str, said: Mapping[str, Any]) -> Checkpoint:
        """Return the checkpoint with these settings put over its own; see
        core.vlm.loading.settings. where: for sentences.
        """
        return replace(self, chosen=(*self.chosen, (where, said)))

    def generation_config(self) -> dict[str, Any]:
        """Return generation_config.json as it is written; {} where there is none."""
        path = Path(self.location) / "generation_config.json"
        with explained(self):
            return json.loads(path.read_text("utf-8")) if path.is_file() else {}

    def load(self, part: Any, **kwargs) -> Any:
        """``part.from_pretrained`` (of a processor, say) under the rules of this module."""
        with explained(self):
            return part.from_pretrained(self.location, **self._access(), **kwargs)

    def load_model(self, model_class: type[PreTrainedModel], options: Options) -> PreTrainedModel:
        """The model, ready to infer; a checkpoint that lacks some weights is refused."""
        folder = Path(self.location)
        with explained(self):
            files = weight_files(folder)
        if not files and any(folder.glob("model-*.safetensors")):
            raise VLMError(
                f"{self.name!r} has its weights in several files, and no "
                "model.safetensors.index.json that names them: the download is not complete, "
                "so download it again."
            )
        if not files:
            raise VLMError(
                f"{self.name!r} has no model.safetensors: weights are loaded from safetensors "
                "only, never from pickles."
            )
        if absent := [path.name for path in files if not path.is_file()]:
            raise VLMError(
                f"Of the {len(files)} files of weights of {self.name!r}, {len(absent)} "
                f"{'is' if len(absent) == 1 else 'are'} missing, {absent[0]} first: the download "
                "is not complete, so download it again."
            )
        with explained(self):
            method = packed_by(self.config)
            if method and options.bits is not None:
                raise VLMError(
                    f"The weights of {self.name!r} are packed by {method} already: leave out "
                    "--bits."
                )
            self._check_size(folder, model_class)
            self._check_memory(folder, options)
        with explained(self), loading_weights(options.progress):
            loaded: Any = model_class.from_pretrained(
                self.location,
                **options.of_model(),
                use_safetensors=True,
                output_loading_info=True,
                ignore_mismatched_sizes=True,  # but refused below, by name
                **self._access(),
            )
        model, report = loaded  # two, with output_loading_info
        # Transformers fills what is missing with random numbers and only logs a warning.
        mismatched = (name for name, *shapes in report["mismatched_keys"])
        if lacking := sorted({*report["missing_keys"], *mismatched}):
            raise VLMError(
                f"The checkpoint {self.name!r} does not hold the model that its config.json "
                f"describes: {lacking[0]} is missing or has another shape "
                f"({len(lacking)} such weights)."
            )
        # Nor does it keep layers that the config doesn't count: half a model would answer.
        if beyond := _of_more_layers(report["unexpected_keys"], model.state_dict().keys()):
            raise VLMError(
                f"The checkpoint {self.name!r} does not hold the model that its config.json "
                f"describes: {beyond[0]} is of a layer more than that has ({len(beyond)} such "
                "weights)."
            )
        try:
            return (model if options.bits else model.to(options.device)).eval()
        except (RuntimeError, AssertionError) as error:  # no such device, or out of its memory
            raise VLMError(
                f"{self.name!r} can't be put on {str(options.device)!r}: {_first_sentence(error)}"
            ) from error

    def _check_size(self, folder: Path, model_class: type[PreTrainedModel]) -> None:
        """Raise VLMError if config.json describes a far larger model than the files hold: what is
        missing would take memory before it is known to be missing.
        """
        if "quantization_config" in self.config:  # of files that pack several numbers into one
            return
        config = AutoConfig.from_pretrained(self.location, **self._access())
        with torch.device("meta"):  # nothing but shapes
            described = sum(weight.numel() for weight in model_class(config).parameters())
        held = weight_numbers(folder)
        if described > 2 * held:  # a head that is tied to the embeddings is held once
            raise VLMError(
                f"The checkpoint {self.name!r} does not hold the model that its config.json "
                f"describes: that has {described:,} numbers, and the files of weights hold "
                f"{held:,}."
            )

    def _check_memory(self, folder: Path, options: Options) -> None:
        """Raise VLMError if weights and what answering takes don't fit where they are to go."""
        weights = weight_bytes(folder, options.dtype, options.bits)
        config = AutoConfig.from_pretrained(self.location, **self._access())
        working = working_bytes(config, options.dtype, options.attention)
        free = free_bytes(options.device)
        dtype = str(options.dtype).removeprefix("torch.")
        if free is not None and weights + working > free:
            raise VLMError(
                f"{self.name!r} takes {weights / 1e9:.1f} GB in "
                f"{f'{options.bits} bits' if options.bits else dtype} and about "
                f"{working / 1e9:.1f} GB to answer with, and of the memory of "
                f"{str(options.device)!r} {free / 1e9:.1f} GB are free: load it in fewer bits, or "
                "take a smaller model."
            )
        host = free_bytes(torch.device("cpu"))
        if options.through_host and host is not None and weights > host:
            raise VLMError(
                f"On their way to {str(options.device)!r}, the {weights / 1e9:.1f} GB of "
                f"{self.name!r} go through this machine's own memory, of which "
                f"{host / 1e9:.1f} GB are free: pip install accelerate, with which weights go "
                "there as they are read."
            )

    def _access(self) -> dict[str, Any]:
        # Whatever is needed of the hub has been fetched by `find_checkpoint`.
        return {"local_files_only": True, "trust_remote_code": False}


def find_checkpoint(name_or_path: str | Path) -> Checkpoint:
    """``"pocket"``, a directory or a hub id; raises VLMError if there is no config.json there.

    Of a hub id, only the config is fetched: see `Checkpoint.fetched`.
    """
    name = str(name_or_path)
    if name == "pocket":
        if not (POCKET / "config.json").is_file():
            raise VLMError(
                "The bundled model is not there: take a complete clone or installation of "
                "Second Look, or name another model."
            )
        return _with_config(Checkpoint(name, str(POCKET), local=True))
    folder = Path(os.path.expanduser(name))
    if name and folder.is_dir():
        if not (folder / "config.json").is_file():
            raise VLMError(f"The directory {name!r} holds no model: there is no config.json in it.")
        _check_files(name, folder)
        return _with_config(Checkpoint(name, str(folder), local=True))
    if isinstance(name_or_path, str) and _HUB_ID.fullmatch(name):
        return _with_config(Checkpoint(name, name, local=False))
    raise VLMError(
        f"{name!r} is not a model: give 'pocket', a directory that exists, "
        "or a model of the Hugging Face hub as owner/name."
    )


def without_flash(device: torch.device, dtype: torch.dtype) -> str | None:
    """Return why flash attention can't be had, and what to do; None: it can.

    Only from its package: without it, transformers would fetch kernels from the hub and run them.
    """
    if device.type != "cuda":
        return (
            f"--attention {FLASH} runs on a CUDA card only, and the model is on {device.type!r}: "
            "leave it out."
        )
    if dtype not in (torch.bfloat16, torch.float16):
        named = str(dtype).removeprefix("torch.")
        return f"--attention {FLASH} computes in bf16 or fp16, not in {named}: see --dtype."
    if find_spec("flash_attn") is None:
        return (
            f"--attention {FLASH} needs a package: pip install flash-attn. Without it, sdpa is "
            "PyTorch's own FlashAttention on CUDA."
        )
    return None


def placement(
    device: str | torch.device | None, dtype: str | torch.dtype | None
) -> tuple[torch.device, torch.dtype]:
    """CUDA if there is one, else CPU; float32 on the CPU, bfloat16 or float16 on CUDA."""
    if device is None:
        device = "cuda" if torch.cuda.is_available() else "cpu"
    try:
        device = torch.device(device)
    except RuntimeError as error:
        raise VLMError(f"{device!r} is not a device: try 'cpu', 'cuda' or 'cuda:1'.") from error
    if isinstance(dtype, str):
        dtype = getattr(torch, dtype, dtype)
    elif dtype is None and device.type == "cuda":
        native = torch.cuda.is_bf16_supported(including_emulation=False)  # emulated, it is slow
        dtype = torch.bfloat16 if native else torch.float16
    elif dtype is None:
        dtype = torch.float32
    if not (isinstance(dtype, torch.dtype) and dtype.is_floating_point):
        raise VLMError(f"{dtype!r} is not a number format: try 'float32', 'bfloat16' or 'float16'.")
    return device, dtype


def _check_files(name: str, folder: Path) -> None:
    if (sentence := wrong_file(folder)) is not None:
        raise VLMError(f"The checkpoint {name!r} can't be read: {sentence}")


def _with_config(checkpoint: Checkpoint) -> Checkpoint:
    """With its config.json and, of a hub model, the commit of that.

    From the cache of the hub, whose folders are named by their commits: transformers 5.24 no more
    notes it in the config.
    """
    with explained(checkpoint):
        if checkpoint.local:
            path, commit = Path(checkpoint.location) / "config.json", None
        else:
            path = _config_of_the_hub(checkpoint.location)
            commit = path.parent.name
        config, _ = PreTrainedConfig.get_config_dict(path.parent, local_files_only=True)
    return replace(checkpoint, revision=commit, config=config)


def _config_of_the_hub(name: str) -> Path:
    """Return where the config.json of a hub model lies, fetched if need be.

    What isn't in the cache is asked for once before it is fetched: without internet,
    `hf_hub_download` tries again for 23 seconds.
    """
    if not isinstance(try_to_load_from_cache(name, "config.json"), str):
        try:
            get_hf_file_metadata(hf_hub_url(name, "config.json"))
        except OSError:  # the hub's own: it has answered, or is not to be asked
            raise
        except Exception as error:  # a transport's, of whichever library the hub's client takes
            raise LocalEntryNotFoundError(f"The hub can't be reached: {error}") from error
    return Path(hf_hub_download(name, "config.json"))


@contextmanager
def explained(checkpoint: Checkpoint) -> Iterator[None]:
    """Turn whatever goes wrong in the files of others into one sentence."""
    name = checkpoint.name
    try:
        yield
    except VLMError:
        raise
    except Exception as error:  # a broken checkpoint may raise anything at all
        causes = tuple(_chain(error))
        if any(isinstance(cause, GatedRepoError) for cause in causes):
            message = (
                f"{name!r} is gated: accept its terms on its page of the Hugging Face hub "
                "and log in with 'hf auth login'."
            )
        elif any(isinstance(cause, RepositoryNotFoundError) for cause in causes):
            message = f"There is no model {name!r} on the Hugging Face hub, or it is private."
        elif any(isinstance(c, LocalEntryNotFoundError | OfflineModeIsEnabled) for c in causes):
            message = (
                f"{name!r} is not a directory here, and as a model of the Hugging Face hub it is "
                "neither in the local cache nor can the hub be reached."
            )
        else:
            message = f"The checkpoint {name!r} can't be read: {_why(error, checkpoint)}"
        if not checkpoint.local:  # perhaps it is none of the hub's doing
            message = " ".join([message, *faults().values()])
        raise VLMError(message) from error


def _why(error: Exception, checkpoint: Checkpoint) -> str:
    """Return a sentence about what is broken: the file, where it can be told."""
    if isinstance(error, TemplateError):
        return f"its chat template doesn't work: {_first_sentence(error)}"
    if isinstance(error, ImportError) and (method := packed_by(checkpoint.config)):
        return (
            f"its weights are packed by {method}, and the package that unpacks them is missing: "
            f"{_first_sentence(error)} Install it, or take the checkpoint that was packed, with "
            "--bits 4."
        )
    folder, said = Path(checkpoint.location), None
    if checkpoint.location and folder.is_dir():
        with suppress(OSError, ValueError, LookupError, TypeError, AttributeError):
            said = broken_file(folder)
    return said or _first_sentence(error)


def _chain(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _of_more_layers(unexpected: Iterable[str], known: Collection[str]) -> list[str]:
    """Return those weights without a place in a model that would have one in its first layer."""
    return sorted(
        name
        for name in unexpected
        if any(
            f"{name[: number.start()]}0{name[number.end() :]}" in known
            for number in _NUMBER.finditer(name)
        )
    )


def _first_sentence(error: BaseException) -> str:
    text = re.sub(r":\s*\n\s*", ": ", str(error).strip()) or type(error).__name__
    return re.split(r"(?<=[.!])\s|\n", text)[0].rstrip(".!") + "."
