"""What a real OCR reads of photographs: `python -m tools.ocr --folder IIIT5K`.

A yardstick beside the models: PP-OCR by `rapidocr-onnxruntime` (`pip install -e ".[ocr]"`; its
models are in the package), with the recognition alone: of pictures that hold one word, or, with
`--data folder`, of the first box that a question gives. Scored by the rule of the data set.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence

import numpy as np

from core.bench.datasets import Sample, load_dataset
from core.bench.datasets.scoring import SCORERS
from core.imaging import rgb_of

Read = Callable[[np.ndarray], str]  # pixels (H, W, 3), blue first -> what is written


def read_all(samples: Sequence[Sample], scoring: str, read: Read) -> tuple[float, float]:
    """Return the mean score (0 to 1) and the CPU seconds a picture."""
    score, begin = SCORERS[scoring].score, time.process_time()
    scores = []
    for sample in samples:
        image = rgb_of(sample.image)
        pixels = np.asarray(image.crop(sample.boxes[0]) if sample.boxes else image)
        scores.append(score(read(pixels[..., ::-1]), sample))
    return float(np.mean(scores)), (time.process_time() - begin) / len(scores)


def engine() -> Read:
    """Return PP-OCR's recognition."""
    try:
        from rapidocr_onnxruntime import RapidOCR
    except ModuleNotFoundError:
        raise SystemExit('This needs an OCR; install it with `pip install -e ".[ocr]"`.') from None
    recognise = RapidOCR()

    def read(pixels: np.ndarray) -> str:
        found, _ = recognise(np.ascontiguousarray(pixels), use_det=False, use_cls=False)
        return found[0][0] if found else ""

    return read


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument(
        "--folder", required=True, help="folder of IIIT5K, or what else the data set takes"
    )
    parser.add_argument("--data", choices=("words", "folder"), default="words",
                        help="data set: pictures of words, or own questions with the boxes of "
                        "the writing (default: words)")  # fmt: skip
    parser.add_argument("--split", help="split of the data set (default: its first)")
    parser.add_argument("--limit", type=int, help="read this many pictures only, from the first on")
    args = parser.parse_args()
    dataset = load_dataset(args.data, args.split, folder=args.folder)[: args.limit]
    right, seconds = read_all(dataset, dataset.scoring, engine())
    print(f"{100 * right:.1f} % of {len(dataset)} texts, {seconds:.3f} CPU seconds a text")


if __name__ == "__main__":
    main()
