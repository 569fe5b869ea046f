"""Trains pocket: `python -m core.pocket.train --out FOLDER`. Seeded, logged, resumable.

A curriculum in five phases, because end-to-end training on whole scenes from the start learns
only the language prior: eye charts teach the vision tower letters, views of scenes and crowds teach
it colours, shapes and small letters, the primer (a strip, a text, a short question) teaches the
language model to spell what the tower sees, strips teach both to read what people ask for, and
questions about scenes teach it to find, to use a second image, and everything else. The first two
train the tower alone: a view costs it a third of the computing time that it costs with questions
behind it, and a chart has some three hundred cells with a letter in them. In the last, every
third step asks about crowds of small signs in one image (of the sizes at which reading begins to
fail, where the uncertainty decides, a scene has few), and every third about strips.

What it reads is checked on validation pictures, answering freely, every `--check-every` steps: a
run that doesn't learn shows there within the hour.

`--device cuda` computes on a GPU, with `--workers` processes rendering beside it. A larger batch
costs hardly more there, and rendering is what is waited for: `--large` takes batches of the last
phase up to thirteen times as large, and `--again` trains in every step on so many earlier batches,
too, out of a memory. `--minutes` ends by the clock, and lets the rate fall by it.

Besides the answers' cross-entropy there are auxiliary losses, all stated in the model card. Of the
tower: the characters in each cell of a chart or scene (and, in each visual token, with their places
in the word: the decoder finds the third letter by its being a third letter, and needn't count), the
sign or object in each cell of a scene, and the cell's row and column. Of one layer of the language
model: the attention of the last prompt token, which is drawn to the asked object (and, for the
generic prompt, over the whole image), and, at each name in a question, the row and column of what
it stands for. And of the next one, behind two names: on which sides of the second the first lies,
because "is it to the left" is one bit of that compared with one of the question, and a comparison
of bits that aren't there yet gives no gradient to make them.
"""

import argparse
import json
import math
import time
from collections import deque
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.nn import functional as F
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import (
    AttentionInterface,
    AttentionMaskInterface,
    LlavaForConditionalGeneration,
    PreTrainedTokenizerFast,
)
from transformers.integrations.sdpa_attention import sdpa_attention_forward
from transformers.masking_utils import sdpa_mask
from transformers.models.llama.modeling_llama import repeat_kv

from core.pocket.check import check
from core.pocket.data import (
    chart_example,
    crowd_example,
    padded,
    primer_example,
    scene_example,
    strip_example,
)
from core.pocket.labels import CHARACTERS, IGNORE, MAX_LENGTH, SURFACES
from core.pocket.model import GRID, MEAN, STD, build_model, build_processor, continued
from core.pocket.packing import Batch, Packer, round_up
from core.pocket.precision import StackedMuon, fast_dtype
from core.pocket.tokenizer import build_tokenizer
from core.signs import photographs
from core.signs.scenes import COLORS
from core.signs.world import faces
from core.support.whole import folder_to_write, written_whole

PHASES = ("charts", "views", "primer", "strips", "scenes")
ASKED = PHASES[2:]  # of both towers, and their reading is checked
EASY = 0.8  # share of clean and upright strips at the beginning
HEADS_FASTER = 8
# Times the rate, with questions: at the tower's, answers' losses stood still.
SLOWER = {"primer": 0.5, "strips": 0.3, "scenes": 0.3}
AVERAGED = 0.99  # of the mean of the weights, what is kept at a step; the mean is checked too
TURNS = ("scenes", "crowds", "padded")  # padded strips; "strips" are bare ones
ROWS = (3, 4, 6, 8)  # of visual tokens, heights of strips
SQUARE = (*ROWS, GRID)  # the same, of those that are padded to a square
REMEMBERED = 1000  # batches that `Recipe.again` draws from: 30 MB each, on the GPU


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
    crowds: dict[str, int] = field(  # beside the views; instead of scenes in every third step
        default_factory=lambda: {"views": 16, "scenes": 12}
    )
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
            batch=self.batch | {"scenes": 12, "strips": 312},
            crowds=self.crowds | {"scenes": 10},
            charts_beside=self.charts_beside | {"scenes": 4},
        )


ANSWER_WEIGHTS = {"text": 1.3, "presence": 1.0, "attributes": 1.0, "generic": 0.1}


# --- data --------------------------------------------------------------------------------------


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
        """Scenes, crowds, or both."""
        s = self.settings
        first = 5 * 10**6 if self.phase == "views" else 0  # other scenes than are asked about
        examples = []
        if turn in ("scenes", "both"):
            span = _span(step, s.batch[self.phase])
            examples += [scene_example(first + i, s.seed, s.text_share) for i in span]
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
        """A batch of strips of all heights, as they arrive: padded to a square."""
        count = max(1, round(self.settings.batch["strips"] * 5 / (GRID + 1)))
        span = [10**8 + i for i in _span(step, count)]  # others than before
        rows = [SQUARE[i % len(SQUARE)] for i in span]
        strips = [strip_example(i, self.settings.seed, r) for i, r in zip(span, rows, strict=True)]
        return self.packer.collate([padded(strip) for strip in strips])

    def _charts(self, span):
        charts = zip(*(chart_example(i, self.settings.seed) for i in span), strict=True)
        pixels, characters, spelling = (torch.from_numpy(np.stack(part)) for part in charts)
        return pixels.permute(0, 3, 1, 2), characters, spelling


def _span(step: int, count: int) -> range:
    return range(step * count, (step + 1) * count)


def is_frozen(settings: Recipe, phase: str, step: int) -> bool:
    """Return whether the vision tower is left as the views have made it."""
    return phase == "scenes" and step < settings.frozen


# --- losses ------------------------------------------------------------------------------------


class Focus:
    """Collects, in one layer, log attention over the global image's tokens for chosen queries."""

    def __init__(self, layer: int, query: torch.Tensor, visual: int):
        self.layer, self.query, self.visual, self.rows = layer, query, visual, None

    def collect(self, query, key, scaling) -> None:
        chosen = query[self.query[:, 0], :, self.query[:, 1]].float()  # (F, heads, d)
        keys = key[:, :, 1 : 1 + self.visual]  # behind <s>
        # Indexing would do, too, but its gradient adds in an order that differs every time.
        keys = keys.index_select(0, self.query[:, 0]).float()  # (F, heads, n_v, d)
        scores = (chosen[:, :, None] * keys).sum(-1) * scaling  # no matmul: F differs every time
        self.rows = scores.softmax(-1).mean(1)


def focused_attention(
    module, query, key, value, attention_mask, scaling=None, focus=None, **kwargs
):
    if focus is not None and module.layer_idx == focus.layer and len(focus.query):
        focus.collect(query, repeat_kv(key, module.num_key_value_groups), scaling)
    return sdpa_attention_forward(
        module, query, key, value, attention_mask, scaling=scaling, **kwargs
    )


AttentionInterface.register("pocket_training", focused_attention)
AttentionMaskInterface.register("pocket_training", sdpa_mask)


class Trainee(nn.Module):
    """The VLM with the heads of the auxiliary losses, which are not part of the checkpoint."""

    def __init__(self, settings: Recipe, tokenizer):
        super().__init__()
        self.settings = settings
        self.vlm = build_model(tokenizer, settings.attention_layer)
        self.vlm.set_attn_implementation({"text_config": "pocket_training"})
        self.image_id = self.vlm.config.image_token_id
        vision: Any = self.vlm.config.vision_config
        text: Any = self.vlm.config.text_config
        middle, last = vision.hidden_sizes[1:]
        self.character_head = nn.Linear(middle, len(CHARACTERS) + 1)
        self.color_head = nn.Linear(last, len(COLORS) + 1)
        self.shape_head = nn.Linear(last, len(SURFACES) + 1)
        self.spelling_head = nn.Linear(last, MAX_LENGTH * (len(CHARACTERS) + 1))
        self.place_head = nn.Linear(last, 2 * GRID)
        self.name_head = nn.Linear(text.hidden_size, 2 * GRID)
        self.pair_head = nn.Linear(text.hidden_size, 2)
        self.register_buffer("mean", torch.tensor(MEAN)[:, None, None] * 255)
        self.register_buffer("std", torch.tensor(STD)[:, None, None] * 255)

    def see(self, pixels):
        """Features after the middle stage (stride 8) and after the last (stride 16)."""
        tower = self.vlm.model.vision_tower
        middle = []
        hook = tower.encoder.stages[1].register_forward_hook(
            lambda m, i, out: middle.append(out[1])
        )
        try:
            out = tower((pixels.float() - self.mean) / self.std, output_hidden_states=True)
        finally:
            hook.remove()
        return middle[0], out.hidden_states[-1]

    def forward(
        self, batch: Batch | None, charts, answers=True, frozen=False
    ) -> dict[str, torch.Tensor]:
        """The losses; `answers` tells whether the questions of the batch are asked."""
        losses: dict[str, torch.Tensor] = {}
        if charts is not None:
            pixels, *labels = charts
            losses |= self.character_loss("chart", *self.see(pixels), *labels)
        if batch is not None:
            with torch.set_grad_enabled(not frozen):
                middle, last = self.see(batch.pixels)
            if batch.surfaces is not None:
                losses |= self.surface_loss(last, batch.surfaces.flatten(1, 2))
                if last.shape[1] == GRID * GRID:  # a strip doesn't show which of the rows it is
                    losses |= self.place_loss(last)
                labels = batch.characters, batch.spelling
                losses |= self.character_loss("letters", middle, last, *labels)
            if answers:
                losses |= self.answer_losses(batch, last)
        return losses

    def character_loss(self, name, middle, last, characters, spelling):
        """Characters from the middle stage's cells, and from visual tokens also their places."""
        size = len(CHARACTERS) + 1
        logits = self.character_head(middle).float()
        spelled = self.spelling_head(last).float().unflatten(-1, (MAX_LENGTH, size)).flatten(1, 2)
        cell = _cross_entropy(logits, characters.flatten(1), background=0.2)
        token = _cross_entropy(spelled, spelling.flatten(1), background=0.1)
        return {
            name: cell + token,
            f"{name}_accuracy": _accuracy(logits, characters.flatten(1)),
            f"{name}_spelling_accuracy": _accuracy(spelled, spelling.flatten(1)),
        }

    def answer_losses(self, batch: Batch, features: torch.Tensor):
        s = self.settings
        losses: dict[str, torch.Tensor] = {}
        visual = self.vlm.model.multi_modal_projector(features)
        embeds = self.vlm.get_input_embeddings()(batch.ids).to(visual.dtype)
        place = (batch.ids == self.image_id)[..., None].expand_as(embeds)
        embeds = embeds.masked_scatter(place, visual)
        focus = Focus(s.attention_layer, batch.focus_query, visual.shape[1])
        out = self.vlm.model.language_model(
            inputs_embeds=embeds,
            attention_mask=batch.mask,
            position_ids=batch.positions,
            use_cache=False,
            focus=focus,
            output_hidden_states=True,
        )
        hidden, layers = out.last_hidden_state, out.hidden_states
        chosen = batch.labels != IGNORE
        rows = hidden[chosen]
        padded = F.pad(rows, (0, 0, 0, round_up(len(rows)) - len(rows)))
        logits = self.vlm.lm_head(padded)[: len(rows)].float()
        labels, weights = batch.labels[chosen], batch.weights[chosen]
        each = F.cross_entropy(logits, labels, reduction="none")
        losses["answer"] = (each * weights).sum() / weights.sum()
        losses["token_accuracy"] = (logits.argmax(-1) == labels).float().mean().detach()
        if len(batch.name_query):
            named = layers[s.attention_layer + 1][batch.name_query[:, 0], batch.name_query[:, 1]]
            losses |= _place_losses("name", self.name_head(named), batch.name_place)
        if len(batch.pair_query):
            behind = layers[s.attention_layer + 2][batch.pair_query[:, 0], batch.pair_query[:, 1]]
            losses |= _offset_losses("pair", self.pair_head(behind), batch.pair_offset)
        if focus.rows is not None:
            rows = focus.rows.clamp_min(1e-8).log()
            cross = -(batch.focus_target * rows).sum(-1)
            generic = batch.focus_generic
            losses["generic"] = cross[generic].mean() if generic.any() else cross.sum() * 0
            losses["focus"] = cross[~generic].mean() if (~generic).any() else cross.sum() * 0
            peak = batch.focus_target.gather(1, focus.rows.argmax(1, keepdim=True))[:, 0]
            found = peak > 0.3 * batch.focus_target.amax(1)
            losses["found"] = found[~generic].float().mean().detach()
        return losses

    def surface_loss(self, features, labels):
        losses = {"surface": 0}
        for name, head, target in (
            ("color", self.color_head, labels[..., 0]),
            ("shape", self.shape_head, labels[..., 1]),
        ):
            logits = head(features).float()
            losses["surface"] = losses["surface"] + _cross_entropy(logits, target, background=0.2)
            losses[f"{name}_accuracy"] = _accuracy(logits, target)
        return losses

    def place_loss(self, features):
        """Each token's row and column, of GRID x GRID."""
        side = torch.arange(GRID, device=features.device)
        grid = torch.cartesian_prod(side, side)
        places = grid.repeat(len(features), 1)
        return _place_losses("place", self.place_head(features.flatten(0, 1)), places)

    def total(self, losses) -> torch.Tensor:
        s = self.settings
        beside = "answer" in losses
        weights = {
            "answer": 1.0,
            "chart": s.chart_weight if beside else 1.0,
            "letters": s.letters_weight if beside else 1.0,
            "surface": s.surface_weight if beside else 1.0,
            "place": s.place_weight if beside else 1.0,
            "name": s.name_weight,
            "pair": s.pair_weight,
            "focus": s.focus_weight,
            "generic": s.generic_weight,
        }
        return sum(weights[name] * loss for name, loss in losses.items() if name in weights)


def _cross_entropy(logits, labels, background: float) -> torch.Tensor:
    """Of dense labels; nearly all are background (0), which therefore counts less."""
    weight = torch.ones(logits.shape[-1], device=logits.device)
    weight[0] = background
    return F.cross_entropy(logits.flatten(0, 1), labels.flatten(), weight=weight)


def _place_losses(name: str, logits, places) -> dict[str, torch.Tensor]:
    """Of rows and columns told by 2 * GRID logits; places: (..., 2)."""
    logits = logits.float().unflatten(-1, (2, GRID))
    right = (logits.argmax(-1) == places).all(-1)
    return {
        name: 2 * F.cross_entropy(logits.flatten(0, 1), places.flatten()),
        f"{name}_accuracy": right.float().mean().detach(),
    }


def _offset_losses(name: str, logits, offset) -> dict[str, torch.Tensor]:
    """Of the signs of offsets, told by a logit each; 0 is left out."""
    logits, offset = logits.float()[offset != 0], offset[offset != 0]
    return {
        name: F.binary_cross_entropy_with_logits(logits, (offset > 0).float()),
        f"{name}_accuracy": ((logits > 0) == (offset > 0)).float().mean().detach(),
    }


def _accuracy(logits, labels) -> torch.Tensor:
    """The share of characters, without the background, that are told right."""
    return (logits.argmax(-1) == labels)[labels > 0].float().mean().detach()


# --- optimisation ------------------------------------------------------------------------------


def optimizers(trainee: Trainee, rate: float, dtype: torch.dtype) -> list[torch.optim.Optimizer]:
    """Return Muon for the matrices inside the towers, AdamW for everything else.

    The heads of the auxiliary losses learn faster (`HEADS_FASTER`): a checkpoint doesn't have them,
    so they begin anew, and until they tell something their losses pull the tower nowhere.
    """
    matrices: list[nn.Parameter] = []
    others: list[nn.Parameter] = []
    heads: list[nn.Parameter] = []
    for name, p in trainee.named_parameters():
        inner = ".stages." in name or ".layers." in name
        rest = others if name.startswith("vlm.") else heads
        (matrices if p.ndim == 2 and inner else rest).append(p)
    options: dict[str, Any] = {"weight_decay": 0.05, "adjust_lr_fn": "match_rms_adamw"}
    muon = StackedMuon(matrices, lr=rate, dtype=dtype, **options)
    groups: list[dict[str, Any]] = [{"params": others}, {"params": heads, "faster": HEADS_FASTER}]
    return [muon, torch.optim.AdamW(groups, lr=rate, betas=(0.9, 0.98), weight_decay=0.01)]


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


# --- the run -----------------------------------------------------------------------------------


def save_checkpoint(folder: Path, trainee, optims, phase, step, settings) -> None:
    """Atomically: a run killed while saving keeps its last state."""
    state = {
        "trainee": trainee.state_dict(),
        "optimizers": [o.state_dict() for o in optims],
        "phase": phase,
        "step": step,
        "settings": asdict(settings),
    }
    with written_whole(folder / "state.pt") as file:
        torch.save(state, file)


def export(folder: Path, trainee: Trainee, tokenizer) -> None:
    """The checkpoint in hub format, half precision; beside it the auxiliary losses' heads."""
    import copy

    model = copy.deepcopy(trainee.vlm).half()
    model.set_attn_implementation({"text_config": "sdpa"})
    model.save_pretrained(folder)
    build_processor(tokenizer).save_pretrained(folder)
    heads = {name: p for name, p in trainee.state_dict().items() if not name.startswith("vlm.")}
    save_file(heads, folder.with_name("heads.safetensors"))


def train(
    out: Path,
    settings: Recipe,
    workers: int,
    save_every: float,
    export_only: bool = False,
    init: Path | None = None,
    heads: Path | None = None,
    device: str = "cpu",
    check_every: int = 200,
) -> None:
    """Train on from `out/state.pt`, or from the checkpoint `init`, or from scratch.

    heads: those of the auxiliary losses that were exported with the checkpoint `init`.

    `export_only` writes the checkpoint of that state and stops. save_every: seconds between two
    states saved; check_every: steps between two checks of what it reads, 0 for none.
    """
    out.mkdir(parents=True, exist_ok=True)
    torch.manual_seed(settings.seed)
    tokenizer = build_tokenizer()
    packer = Packer(tokenizer, ANSWER_WEIGHTS)
    trainee = Trainee(settings, tokenizer)
    dtype = fast_dtype() if device == "cpu" else torch.bfloat16
    typefaces = [name for name in faces.families("train") if name]
    drawn = f"{len(typefaces)} typefaces, {len(photographs.available('train'))} photographs"
    print(f"computing in {str(dtype).removeprefix('torch.')}, with {drawn}", flush=True)
    if init is not None and not (out / "state.pt").exists():
        start = LlavaForConditionalGeneration.from_pretrained(init, dtype=torch.float32)
        known = PreTrainedTokenizerFast.from_pretrained(init)
        trainee.vlm.load_state_dict(continued(start, known, tokenizer))
        if heads is not None:
            trainee.load_state_dict(load_file(heads), strict=False)
    trainee.to(device)
    optims = optimizers(trainee, settings.rate, dtype)
    phase_index, step = 0, 0
    if (out / "state.pt").exists():
        state = torch.load(out / "state.pt", weights_only=True, map_location=device)
        trainee.load_state_dict(state["trainee"])
        for optim, saved in zip(optims, state["optimizers"], strict=True):
            optim.load_state_dict(saved)
        phase_index, step = PHASES.index(state["phase"]), state["step"]
    if export_only:
        export(out / "checkpoint", trainee, tokenizer)
        return
    log = (out / "log.jsonl").open("a", buffering=1)
    while phase_index < len(PHASES):
        phase = PHASES[phase_index]
        every = save_every, check_every
        run_phase(phase, step, trainee, optims, dtype, packer, settings, workers, every, out, log)
        phase_index, step = phase_index + 1, 0
        if phase_index < len(PHASES):
            save_checkpoint(out, trainee, optims, PHASES[phase_index], 0, settings)
    export(out / "checkpoint", trainee, tokenizer)


def run_phase(phase, first, trainee, optims, dtype, packer, settings, workers, every, out, log):
    save_every, check_every = every
    device = trainee.mean.device
    stream = Stream(phase, settings, packer, first)
    loader = torch.utils.data.DataLoader(
        stream,
        batch_size=None,
        num_workers=workers,
        prefetch_factor=4 if workers else None,
        pin_memory=device.type == "cuda",
    )
    begin = saved = time.monotonic()
    timed = phase == PHASES[-1] and settings.minutes is not None
    longest = 60 * settings.minutes if timed else math.inf  # seconds of the phase
    sums: dict[str, list[torch.Tensor]] = {}  # since the last line of the log
    memory: deque = deque(maxlen=REMEMBERED)
    trainee.train()
    mean = AveragedModel(trainee, multi_avg_fn=get_ema_multi_avg_fn(AVERAGED))
    for step, (batch, charts) in enumerate(loader, start=first):
        over = max(step / settings.steps[phase], (time.monotonic() - begin) / longest)
        if over >= 1:
            break
        for optim in optims:
            for group in optim.param_groups:
                group["lr"] = rate_at(settings, phase, step, over) * group.get("faster", 1)
        if phase in ASKED and check_every and step % check_every == 0:
            line = {"phase": phase, "step": step, "check": check(trainee, packer.tokenizer)}
            line["mean"] = check(mean.module, packer.tokenizer)  # as if the rate had fallen
            log.write(json.dumps(line) + "\n")
            print(line, flush=True)
        batch = None if batch is None else batch.to(device)
        charts = None if charts is None else [p.to(device, non_blocking=True) for p in charts]
        frozen = is_frozen(settings, phase, step)
        parts = [(batch, charts), *_earlier(memory, settings.again, step)]
        for part in parts:
            with torch.autocast(device.type, torch.bfloat16, enabled=dtype == torch.bfloat16):
                losses = trainee(*part, phase != "views", frozen)
            (trainee.total(losses) / len(parts)).backward()
            for name, value in losses.items():
                sums.setdefault(name, []).append(value.detach())
        if settings.again:
            memory.append((batch, charts))
        nn.utils.clip_grad_norm_(trainee.parameters(), 1.0)
        for optim in optims:
            optim.step()
            optim.zero_grad(set_to_none=True)
        mean.update_parameters(trainee)
        if (step + 1) % 20 == 0:
            spent = time.monotonic() - begin
            each = spent / (step + 1 - first)
            left = min(each * (settings.steps[phase] - step - 1), longest - spent)
            means = {name: round(_mean(values), 4) for name, values in sums.items()}
            sums = {}
            line = {"phase": phase, "step": step + 1, "seconds": round(each, 3), **means}
            log.write(json.dumps(line) + "\n")
            print(
                f"{phase} {step + 1}/{settings.steps[phase]}, {left / 60:.0f} min left:",
                means,
                flush=True,
            )
        if time.monotonic() - saved > save_every:
            save_checkpoint(out, trainee, optims, phase, step + 1, settings)
            saved = time.monotonic()


def _earlier(memory: deque, count: int, step: int) -> list:
    """Some of the batches remembered, drawn by the number of the step."""
    chosen = np.random.default_rng(step).integers(len(memory), size=count) if memory else ()
    return [memory[i] for i in chosen]


def _mean(values: list[torch.Tensor]) -> float:
    """The mean of scalars: on a GPU, fetched once for all."""
    return float(torch.stack(values).float().nanmean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--out", type=folder_to_write, required=True,
                        help="folder for state, log, checkpoint")  # fmt: skip
    parser.add_argument("--charts", type=int, default=700, help="steps on eye charts")
    parser.add_argument("--views", type=int, default=1500, help="steps on scenes without questions")
    parser.add_argument("--primer", type=int, default=2500, help="steps on a text and a question")
    parser.add_argument("--strips", type=int, default=6000, help="steps on strips")
    parser.add_argument("--scenes", type=int, default=20000, help="steps on scenes and crowds")
    parser.add_argument(
        "--frozen", type=int, default=8000, help="steps on scenes whose tower is left as it is"
    )
    parser.add_argument("--rate", type=float, default=1e-3, help="learning rate at its height")
    parser.add_argument(
        "--decay",
        type=float,
        default=0.4,
        help="share of the scenes' steps in which the rate falls",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of pictures and weights")
    parser.add_argument("--workers", type=int, default=1, help="processes that render")
    parser.add_argument("--threads", type=int, default=2, help="threads of torch")
    parser.add_argument("--device", default="cpu", help="cpu or cuda")
    parser.add_argument("--check-every", type=int, default=200, help="steps between checks")
    parser.add_argument("--save-every", type=float, default=300, help="seconds between saves")
    parser.add_argument("--turns", nargs="+", choices=(*TURNS, "strips"), default=TURNS,
                        help="what the batches of the last phase are of, by turns (default: "
                        f"{' '.join(TURNS)})")  # fmt: skip
    parser.add_argument("--large", action="store_true", help="larger batches, for a GPU")
    parser.add_argument("--again", type=int, default=0, help="earlier batches in every step, too")
    parser.add_argument("--minutes", type=float, help="end after so many, the rate falling by them")
    parser.add_argument("--init", type=Path, help="checkpoint to start from, without its history")
    parser.add_argument("--heads", type=Path, help="heads.safetensors, exported beside it")
    parser.add_argument("--export", action="store_true", help="only export the state as it is")
    args = parser.parse_args()
    torch.set_num_threads(args.threads)
    steps = {phase: getattr(args, phase) for phase in PHASES}
    settings = Recipe(
        steps=steps, rate=args.rate, decay=args.decay, seed=args.seed, frozen=args.frozen,
        again=args.again, minutes=args.minutes, turns=tuple(args.turns),
    )  # fmt: skip
    settings = settings.large() if args.large else settings
    every = {"save_every": args.save_every, "check_every": args.check_every}
    train(args.out, settings, args.workers, export_only=args.export, init=args.init,
          heads=args.heads, device=args.device, **every)  # fmt: skip


if __name__ == "__main__":
    main()
