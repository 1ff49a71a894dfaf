"""Where Corridor keeps what may be made anew: compiled kernels, the log of the last failure."""

import os
from pathlib import Path


def cache_folder() -> Path:
    """The folder `corridor` in the user's cache folder."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "corridor"
