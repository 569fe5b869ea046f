"""What sharing saves: `python -m tools.timing.vlm --model pocket`, or `--shape llava qwen3_vl`.

Retransmitted questions (of `signs-text`, with a local image around the sign), each asked in one
process by turns on each path:

reference  core.vlm.reference, the plain published procedure
shared     what core.protocol runs: one look, everything else on its prefix, and the first answer
           as a draft of the second
floor      both images encoded and prefilled once, in a single pass, and both answers decoded

FLOPs are means over the questions, times medians. A ratio of times is the median of the ratios
within each turn, so that whatever else the machine does harms both sides alike.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from statistics import median
from time import perf_counter

import numpy as np
import torch
from PIL import Image

from core.bench.datasets import load_dataset
from core.cropping import Box
from core.hits import box_around
from core.imaging import crop_local, downscale
from core.pocket.model import build_model, build_processor
from core.pocket.tokenizer import build_tokenizer
from core.verify.meter import peak_memory
from core.vlm import FAMILIES, Request, VLMError, load_vlm
from core.vlm.adapter import Adapter
from core.vlm.base import MAX_NEW_TOKENS
from core.vlm.decode import decode_greedily, read
from core.vlm.flops.formulas import count_flops, paper_flops
from core.vlm.loading.arguments import add_load_arguments, load_options
from core.vlm.reference import Reference
from tools.doubles.untrained import REALISTIC, save_untrained

# The published code takes the question's attention in a pass of its own. The paper's estimate (eq.
# 18, 19) does not count it: it could be had from the pass that answers.
STEPS = ("first answer", "question attention", "generic attention", "second answer")

Steps = dict[str, Callable[[], object]]


@dataclass(frozen=True)
class Case:
    """One question, and the two images it is answered from."""

    image: Image.Image
    local: Image.Image
    question: str
    max_new_tokens: int


@dataclass
class Timing:
    """What a path takes, step by step: memory for the first question, the rest for each."""

    peaks: dict[str, int | None]  # bytes beyond what was there before; None: it can't be told
    flops: list[dict[str, int]] = field(default_factory=list)
    seconds: list[dict[str, float]] = field(default_factory=list)

    def seconds_of(self, steps: tuple[str, ...] | None = None) -> np.ndarray:
        """(runs,) of these steps together; None: of all."""
        return np.array([sum(_of(run, steps)) for run in self.seconds])

    def flops_of(self, steps: tuple[str, ...] | None = None) -> float:
        """The mean over the questions."""
        return float(np.mean([sum(_of(run, steps)) for run in self.flops]))

    def peak_of(self, steps: tuple[str, ...] | None = None) -> int | None:
        """Return the peak of the hungriest of these steps; 0 without any."""
        peaks = _of(self.peaks, steps)
        return None if None in peaks else max(peaks, default=0)


def reference_path(vlm: Adapter, case: Case) -> Steps:
    reference = Reference(vlm)
    one, two, tokens = [case.image], [case.image, case.local], case.max_new_tokens
    return {
        "first answer": lambda: reference.generate(one, case.question, tokens),
        "question attention": lambda: reference.row(one, case.question),
        "generic attention": lambda: reference.row(one, vlm.info.generic_prompt),
        "second answer": lambda: reference.generate(two, case.question, tokens),
    }


def shared_path(vlm: Adapter, case: Case) -> Steps:
    """The question's attention comes with the first answer, which is the second one's draft."""
    held = {}

    def first():
        held["look"] = vlm.look(case.image)
        held["answer"] = vlm.answer(held["look"], case.question, None, case.max_new_tokens)

    def second():
        draft = held["answer"].token_ids
        vlm.answer(held["look"], case.question, case.local, case.max_new_tokens, draft)

    return {
        "first answer": first,
        "generic attention": lambda: vlm.attend(held["look"], vlm.info.generic_prompt),
        "second answer": second,
    }


def floor_path(vlm: Adapter, case: Case) -> Steps:
    """The least that two answers take: no suffix, no generic prompt.

    The tokens of the first answer are decoded behind both images, too, which costs a little more
    than behind one.
    """
    look = vlm.look(case.image)
    tokens = sum(
        len(vlm.answer(look, case.question, local, case.max_new_tokens).token_ids)
        for local in (None, case.local)
    )

    @torch.inference_mode()
    def once():
        visuals = [vlm._encode_all([image])[0] for image in (case.image, case.local)]
        prompt = vlm._prompt(case.question, visuals, tokens)
        reading = read(vlm._language, [prompt], [None], room=tokens)
        return decode_greedily(vlm._language, reading, (), tokens)

    return {"both images, both answers": once}


PATHS = {"reference": reference_path, "shared": shared_path, "floor": floor_path}


def text_cases(vlm: Adapter, count: int, max_new_tokens: int) -> list[Case]:
    """Questions of `signs-text` as this model is asked them, and local images that answer them."""
    cases, samples = [], load_dataset("signs-text")
    for i in range(count):
        sample = samples[i % len(samples)]
        original, target = sample.image, Box(*sample.boxes[0])
        box = box_around(target, original.size, vlm.info.base_side)
        image = downscale(original, vlm.info.fit)
        local = crop_local(original, box, vlm.info.fit)
        cases.append(Case(image, local, sample.prompt, max_new_tokens))
    return cases


def measure(vlm: Adapter, cases: Sequence[Case]) -> dict[str, Timing]:
    """Memory for the first question; FLOPs and time for each, by turns on each path."""
    measured = {}
    for name, path in PATHS.items():
        peaks = {step: _peak_bytes(run) for step, run in path(vlm, cases[0]).items()}
        measured[name] = Timing(peaks)
    for case in cases:
        for name, path in PATHS.items():
            steps = path(vlm, case)
            # The first time, kernels are chosen for new shapes: that is not timed.
            measured[name].flops.append({step: count_flops(run) for step, run in steps.items()})
            measured[name].seconds.append({step: _seconds(run) for step, run in steps.items()})
    return measured


def batch_gain(vlm: Adapter, cases: Sequence[Case], runs: int) -> tuple[float, float]:
    """Questions a second, all at once over one by one: each with an image of its own, and all
    about one image, which a batch looks at once."""
    images, questions = [case.image for case in cases], [case.question for case in cases]
    tokens = cases[0].max_new_tokens

    def at_once(images: list[Image.Image]):
        looks = vlm.look_batch(images)
        looks *= len(questions) // len(looks)
        vlm.answer_batch([Request(*pair) for pair in zip(looks, questions, strict=True)], tokens)

    def one_by_one():
        for image, question in zip(images, questions, strict=True):
            vlm.answer(vlm.look(image), question, None, tokens)

    alone, own, same = [], [], []
    for _ in range(runs):
        alone.append(_seconds(one_by_one))
        own.append(_seconds(lambda: at_once(images)))
        same.append(_seconds(lambda: at_once(images[:1])))
    return tuple(float(median(np.divide(alone, times))) for times in (own, same))


def report(vlm: Adapter, cases: Sequence[Case], measured: dict[str, Timing]) -> str:
    """The table, as text."""
    reference, shared, floor = (measured[name] for name in ("reference", "shared", "floor"))
    info, device = vlm.info, vlm._model.device
    lines = [
        f"{info.name}: {info.parameters / 1e6:.1f} M parameters, {info.visual_tokens} visual "
        f"tokens, {info.layers} layers of width {info.hidden}; {device}, "
        f"{torch.get_num_threads()} threads, {len(shared.seconds)} runs",
        "",
        f"{'':20}{'reference':>26}{'shared':>26}{'shared / reference':>20}",
        f"{'':20}{_UNITS}{_UNITS}{'FLOP':>10}{'time':>10}",
    ]
    as_published = ("first answer", "generic attention", "second answer")
    rows = [(step, (step,), (step,)) for step in STEPS]
    rows += [("total", None, None), ("total as eq. 20", as_published, None)]
    lines += [_row(name, reference, ours, shared, theirs) for name, ours, theirs in rows]
    lines += ["", f"{'':20}{'floor':>26}{'shared':>26}{'shared / floor':>20}"]
    lines += [_row("total", floor, None, shared, None), ""]
    n, m = ([vlm.visual_tokens(size) for size in sizes] for sizes in _sizes(cases))
    pairs = zip(n, m, strict=True)
    paper = [sum(one.total for one in paper_flops(info, *pair).values()) for pair in pairs]
    lines.append(
        f"eq. 20 estimates {np.mean(paper) / 1e9:.2f} GFLOP for the reference: {np.mean(n):.0f} "
        f"visual tokens of a global image, {np.mean(m):.0f} of a local one."
    )
    lines.append("MB: the most memory beyond the model and what the step before left.")
    look = vlm.look(Image.new("RGB", info.input_size))
    lines.append(f"A look holds {look.nbytes / 2**20:.1f} MB.")
    if info.unshared is not None:
        lines.append(f"Nothing is shared: {info.unshared}")
    return "\n".join(lines)


def untrained(shape: str, **options) -> Adapter:
    """A random model: ``"pocket"``, the bundled one's architecture, or one of each family in the
    proportions of LLaVA-1.5. options: of `load_vlm`."""
    with tempfile.TemporaryDirectory() as folder:
        if shape == "pocket":
            tokenizer = build_tokenizer()
            build_model(tokenizer, attention_layer=2).save_pretrained(folder)
            build_processor(tokenizer).save_pretrained(folder)
        else:
            save_untrained(shape, Path(folder), REALISTIC)
        vlm = load_vlm(folder, **options)
    vlm.info = replace(vlm.info, name=f"{shape}-shaped")
    return vlm


SHAPES = ("pocket", *sorted(FAMILIES))

_UNITS = f"{'GFLOP':>10}{'ms':>9}{'MB':>7}"


def _sizes(cases: Sequence[Case]) -> tuple[list[tuple[int, int]], list[tuple[int, int]]]:
    """Return the sizes of the global and of the local images."""
    return [case.image.size for case in cases], [case.local.size for case in cases]


def _of(steps: dict[str, float], names: tuple[str, ...] | None) -> list[float]:
    return [value for name, value in steps.items() if names is None or name in names]


def _row(name: str, left: Timing, left_steps, right: Timing, right_steps) -> str:
    line = f"{name:20}"
    for path, steps in ((left, left_steps), (right, right_steps)):
        ms = median(path.seconds_of(steps)) * 1e3
        peak = path.peak_of(steps)
        mb = "?" if peak is None else f"{peak / 2**20:.0f}"
        line += f"{path.flops_of(steps) / 1e9:10.2f}{ms:9.1f}{mb:>7}"
    flops = right.flops_of(right_steps) / left.flops_of(left_steps)
    time = median(right.seconds_of(right_steps) / left.seconds_of(left_steps))
    return f"{line}{flops:10.2f}{time:10.2f}"


def _seconds(run: Callable[[], object]) -> float:
    _synchronise()
    start = perf_counter()
    run()
    _synchronise()
    return perf_counter() - start


def _synchronise() -> None:
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def _peak_bytes(run: Callable[[], object]) -> int | None:
    """The most memory that it takes beyond what is taken already."""
    with peak_memory() as peak:
        run()
    return peak.nbytes


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    what = parser.add_mutually_exclusive_group()
    what.add_argument(
        "--model", default="pocket", help="model to time: pocket, a directory, or a hub id"
    )
    what.add_argument(
        "--shape", nargs="+", choices=SHAPES, help="time untrained models of these shapes instead"
    )
    parser.add_argument(
        "--runs", type=int, default=50, help="how many questions are timed (default: 50)"
    )
    parser.add_argument(
        "--tokens", type=int, default=MAX_NEW_TOKENS, help="tokens of an answer, at most"
    )
    parser.add_argument(
        "--batch",
        type=int,
        default=0,
        help="also time so many questions at once, against one by one",
    )
    parser.add_argument("--threads", type=int, help="threads of torch")
    add_load_arguments(parser)
    args = parser.parse_args()
    if args.threads:
        torch.set_num_threads(args.threads)
    torch.manual_seed(0)
    loads = [partial(untrained, shape) for shape in args.shape or ()]
    for i, load in enumerate(loads or [partial(load_vlm, args.model)]):
        try:
            vlm = load(**load_options(args))
        except VLMError as error:
            parser.exit(1, f"{error}\n")
        if not isinstance(vlm, Adapter):
            parser.exit(1, f"{vlm.info.name!r} has one path only.\n")
        print("\n" if i else "", _bench(vlm, args.tokens, args.runs, args.batch), sep="")


def _bench(vlm: Adapter, tokens: int, runs: int, batch: int) -> str:
    cases = text_cases(vlm, max(runs, batch), tokens)
    text = report(vlm, cases[:runs], measure(vlm, cases[:runs]))
    if batch:
        own, same = batch_gain(vlm, cases[:batch], max(runs // 10, 3))
        text += (
            f"\n{batch} at once: {own:.2f} times the questions a second of one by one; "
            f"{same:.2f} times if all are about one image."
        )
    return text


if __name__ == "__main__":
    main()
