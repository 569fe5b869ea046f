"""Mirrors of data sets on the Hugging Face hub: Parquet files, read with `datasets`.

Only Parquet is read, so nothing of a mirror is ever executed, and only the files of the wanted
split are downloaded. A mirror may also be a local folder with a copy of one, for work offline.
"""

import re
from collections.abc import Iterator
from functools import partial
from typing import Any

from core.bench.datasets.pictures import decoded
from core.bench.datasets.records import DatasetError, Record
from core.support.proxies import faults


class Table:
    """One split of one configuration of a mirror. Rows are read without their image."""

    def __init__(
        self,
        mirror: str,
        config: str | None,
        split: str,
        revision: str | None = None,
        image: str = "image",
    ):
        """image: the column of the images, files or their base64.

        Raises DatasetError if `datasets` isn't installed, or if there is no such mirror,
        configuration or split, or none of Parquet files, or no way to reach it.
        """
        datasets = _library()
        self.where = f"{mirror}, {config}, {split}" if config else f"{mirror}, {split}"
        try:
            builder = datasets.load_dataset_builder(mirror, config, revision=revision)
            files = (builder.config.data_files or {}).get(split, [])
        # The library, its HTTP client and the hub raise dozens of types, and promise no list.
        except Exception as error:
            raise _unreadable(self.where, error) from error
        if not files or not all(str(file).endswith(".parquet") for file in files):
            raise DatasetError(f"{self.where}: expected a split of Parquet files, found none.")
        try:
            # Through the plain Parquet reader: the mirror's own would download every split.
            rows = datasets.load_dataset("parquet", data_files={split: list(files)}, split=split)
        except Exception as error:
            raise _unreadable(self.where, error) from error
        images = [name for name in (image,) if name in rows.column_names]
        for name in images:  # the bytes as they were published: decoding them is load_image's work
            if isinstance(rows.features[name], datasets.Image):
                rows = rows.cast_column(name, datasets.Image(decode=False))
        self._rows = rows.remove_columns(images)
        self._images, self._image = rows.select_columns(images), image
        commit = re.search(r"@([0-9a-f]{40})/", str(files[0]))
        self.source: dict[str, Any] = {
            "kind": "hub",
            "mirror": mirror,
            "config": config,
            "split": split,
            "revision": commit[1] if commit else revision,
        }

    def records(self) -> Iterator[Record]:
        for number, row in enumerate(self._rows):
            yield Record(f"{self.where}, row {number}", row)

    def opener(self, index: int) -> partial[bytes]:
        return partial(self.image, index)

    def image(self, index: int) -> bytes:
        """The image file of one row, as published."""
        stored, where = self._images[index].get(self._image), f"{self.where}, row {index}"
        if isinstance(stored, str):
            return decoded(stored, where)
        content = stored.get("bytes") if isinstance(stored, dict) else None
        if not content:
            wanted = "an image with its bytes"
            raise DatasetError(f"{where}: {self._image!r} should be {wanted}.")
        return content


def _library():
    try:
        import datasets
    except ImportError:
        raise DatasetError(
            "A mirror on the hub needs the package `datasets`; install it with "
            '`pip install -e ".[hub]"`, or give the official files in a folder.'
        ) from None
    if int(datasets.__version__.split(".")[0]) < 4:  # older ones could run a mirror's own code
        raise DatasetError(
            f"`datasets` {datasets.__version__} is too old; install version 4 or newer."
        )
    return datasets


def _unreadable(where: str, error: Exception) -> DatasetError:
    reason = " ".join(str(error).split())[:200] or type(error).__name__
    sentence = (
        f"{where}: can't be read from the hub; check the name and the connection, or give the "
        f"official files in a folder ({reason})."
    )
    return DatasetError(" ".join([sentence, *faults().values()]))  # perhaps it isn't the hub
