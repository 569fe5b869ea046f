"""Data sets: questions about images with the answers they are scored by.

    from core.bench.datasets import load_dataset
    load_dataset("pope", "adversarial", folder="data/pope")       # official files
    load_dataset("pope", "adversarial", mirror="lmms-lab-encoder/POPE")   # hub
    load_dataset("signs-text", "test")                            # rendered
    load_dataset("folder", folder="mine/questions.csv")           # people's own

`DATASETS` lists the names. Each module says in its first lines which files it reads.
"""

from core.bench.datasets import aokvqa, folder, gqa, pope, signs, textvqa, vqav2  # noqa: F401
from core.bench.datasets.base import DATASETS, Dataset, Entry, Place, Sample, load_dataset
from core.bench.datasets.records import DatasetError

__all__ = ["DATASETS", "Dataset", "DatasetError", "Entry", "Place", "Sample", "load_dataset"]
