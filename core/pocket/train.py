"""Trains pocket: `python -m core.pocket.train --out FOLDER`. Seeded, logged, resumable.

A curriculum in five phases, because end-to-end training on whole scenes from the start learns
only the language prior: eye charts teach the vision tower letters, views of scenes and crowds teach
it colours, shapes and small letters, the primer (a strip, a text, a short question) teaches the
language model to spell what the tower sees, strips teach both to read what people ask for, and
questions about scenes teach it to find, to use a second image, and everything else. The first two
train the tower alone: a view costs it a third of the computing time that it costs with questions
behind it, and a chart has some three hundred cells with a letter in them. In the last, unless
`--turns` says otherwise, every third step asks about crowds of small signs in one image (of the
sizes at which reading begins to fail, where the uncertainty decides, a scene has few), and every
third about strips.

What it reads is checked on validation pictures, answering freely, every `--check-every` steps: a
run that doesn't learn shows there within the hour.

`--device cuda` computes on a GPU, with `--workers` processes rendering beside it. A larger batch
costs hardly more there, and rendering is what is waited for: `--large` takes batches of the last
phase up to thirteen times as large, and `--again` trains in every step on so many earlier batches,
too, out of a memory. `--minutes` ends by the clock, and lets the rate fall by it.
"""

import argparse
import copy
import json
import math
import time
from collections import deque
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn
from transformers import LlavaForConditionalGeneration, PreTrainedTokenizerFast

from core.pocket.check import check
from core.pocket.model import build_processor, continued
from core.pocket.packing import Packer
from core.pocket.precision import StackedMuon, fast_dtype
from core.pocket.recipe import (
    ANSWER_WEIGHTS,
    ASKED,
    MORE_TURNS,
    PHASES,
    TURNS,
    Recipe,
    is_frozen,
    rate_at,
)
from core.pocket.stream import Stream
from core.pocket.tokenizer import build_tokenizer
from core.pocket.trainee import Trainee
from core.signs import photographs
from core.signs.world import faces
from core.support.whole import folder_to_write, written_whole

HEADS_FASTER = 8
AVERAGED = 0.99  # of the mean of the weights, what is kept at a step; the mean is checked too
REMEMBERED = 700  # batches that `Recipe.again` draws from: 30 MB each, on the GPU


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
    parser.add_argument("--turns", nargs="+", choices=(*TURNS, *MORE_TURNS), default=TURNS,
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
