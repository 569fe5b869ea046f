"""What comes with the code: the bundled model, recorded runs and sample images.

In a checkout they lie in `assets`, beside the packages; in an installation in `core/assets`, where
pyproject.toml puts them.
"""

from pathlib import Path

__all__ = ["CONTROLS", "EXPECTATION", "POCKET", "RUNS", "SAMPLES", "SETTINGS"]

_INSTALLED = Path(__file__).resolve().parents[1] / "assets"
_ASSETS = _INSTALLED if _INSTALLED.is_dir() else _INSTALLED.parents[1] / "assets"

POCKET = _ASSETS / "pocket-vlm"
RUNS = _ASSETS / "runs"
CONTROLS = "controls"  # folder in one of runs: what lies beside them, and isn't looked at alone
SAMPLES = _ASSETS / "samples"
EXPECTATION = _ASSETS / "expectation.json"
SETTINGS = _ASSETS / "settings.json"  # of models, as a user's file has them (core.vlm.loading.own)
