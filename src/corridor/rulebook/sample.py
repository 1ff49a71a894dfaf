"""The shipped sample rulebook: rules only, nothing fitted."""

from importlib.resources import files
from pathlib import Path


def sample_path() -> Path:
    """The folder of the sample rulebook."""
    return Path(str(files("corridor.rulebook"))) / "sample"
