"""The fixtures in the official layouts, and the same questions as mirrors on the hub lay them out.

All of them were made for these tests: a few questions about images of a coloured rectangle.
"""

import json
import shutil
from pathlib import Path

import pytest

FIXTURES = Path(__file__).parents[1] / "fixtures"


@pytest.fixture
def official() -> Path:
    """The fixtures, to be read only."""
    return FIXTURES


@pytest.fixture
def copied(tmp_path):
    """Copies the fixtures of one data set to where they can be spoilt."""

    def copy(name: str) -> Path:
        return Path(shutil.copytree(FIXTURES / name, tmp_path / name))

    return copy


@pytest.fixture
def edited(copied):
    """Copies a data set and edits the content of one of its JSON files in place."""

    def edit(name: str, file: str, change) -> Path:
        folder = copied(name)
        content = json.loads((folder / file).read_text())
        change(content)
        (folder / file).write_text(json.dumps(content))
        return folder

    return edit


@pytest.fixture
def mirror(tmp_path, monkeypatch):
    """Writes a mirror: {(configuration, split): rows} to Parquet with a README, as on the hub.

    `datasets` reads such a folder by the code that reads a data set of the hub. It must not reach
    the network, and its cache must not outlive the test.
    """
    datasets = pytest.importorskip("datasets", reason="the optional extra `hub`")
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr(datasets.config, "HF_HUB_OFFLINE", True)
    datasets.disable_progress_bars()

    def write(tables: dict[tuple[str, str], list[dict]]) -> str:
        root = tmp_path / "mirror"
        root.mkdir()
        lines, last = ["---", "configs:"], None
        for (config, split), rows in tables.items():
            if config != last:
                lines += [f"- config_name: {config}", "  data_files:"]
            last = config
            file = f"{config}/{split}-00000-of-00001.parquet"
            table = datasets.Dataset.from_list(rows)
            if isinstance(rows[0].get("image"), dict):
                table = table.cast_column("image", datasets.Image())
            (root / config).mkdir(exist_ok=True)
            table.to_parquet(root / file)
            lines += [f"  - split: {split}", f"    path: {file}"]
        # What isn't asked for must not be read: this file would break any reader.
        (root / "other-00000-of-00001.parquet").write_bytes(b"no Parquet")
        lines += ["- config_name: other", "  data_files: other-*.parquet", "---", ""]
        (root / "README.md").write_text("\n".join(lines))
        return str(root)

    return write


@pytest.fixture
def stored():
    """An image as Parquet files of the hub hold it: the file's own bytes."""
    return lambda path: {"bytes": path.read_bytes(), "path": path.name}
