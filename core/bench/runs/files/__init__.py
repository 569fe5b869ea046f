"""Run files: one run is one Parquet file, with its metadata as JSON in the file's own footer.

One row per sample, or per look of it, where a run has several rounds; columns are named as in
`core.bench.runs.record.Record`; the box is four columns, and each metric is a list of one number
per token, `tokens_<metric>` of the first answer and `second_tokens_<metric>` of the second. Any
Parquet reader reads them.

A file may come from a stranger. Nothing in it is ever executed. Who reads such a file gives limits:
its size, its rows and what it claims to unpack to are looked at before it is unpacked, then again
piece by piece. What is written here is also read, however large.
"""

from core.bench.runs.files.layout import SUFFIX
from core.bench.runs.files.listing import RunFile, list_runs
from core.bench.runs.files.reading import load_run
from core.bench.runs.files.writing import save_pieces, save_run

__all__ = ["SUFFIX", "RunFile", "list_runs", "load_run", "save_pieces", "save_run"]
