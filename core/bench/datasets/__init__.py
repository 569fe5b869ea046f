"""Data sets: questions about images with the answers they are scored by.

    from core.bench.datasets import load_dataset
    load_dataset("pope", "adversarial", folder="data/pope")       # official files
    load_dataset("pope", "adversarial", mirror="lmms-lab-encoder/POPE")   # hub
    load_dataset("signs-text", "test")                            # rendered
    load_dataset("open-signs", options={"condition": "dark"})     # rendered, in the open world
    load_dataset("words", folder="IIIT5K")                        # photographs of words
    load_dataset("folder", folder="mine/questions.csv")           # people's own

`DATASETS` lists the names. Each module says in its first lines which files it reads.
"""

from core.bench.datasets import folder, words  # noqa: F401
from core.bench.datasets.base import DATASETS, Dataset, Entry, Place, Sample, load_dataset
from core.bench.datasets.published import (  # noqa: F401
    aokvqa,
    chartqa,
    docvqa,
    gqa,
    hr_bench,
    mme_realworld,
    pope,
    realworldqa,
    textvqa,
    vqav2,
    vstar,
)
from core.bench.datasets.records import DatasetError
from core.bench.datasets.rendered import open_signs, search, signs  # noqa: F401

__all__ = ["DATASETS", "Dataset", "DatasetError", "Entry", "Place", "Sample", "load_dataset"]
