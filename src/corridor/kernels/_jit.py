"""The one decorator of the kernels: flags and cache policy in one place.

`nogil`: kernels touch no Python object, so threads of a worker may run side by side.
`cache`: a second start of a worker loads machine code instead of compiling it; all processes share one
folder ($NUMBA_CACHE_DIR, else the user's cache folder), and `python -m corridor.warm` fills it. In it code is kept
by what its file says, not by where the file lies: a fresh clone compiles what differs, and nothing else.
Numba's cache does not notice an edit of an njit function in another file, so a kernel calls njit
functions of its own file only.
`fastmath` stays off: results must be equal bit for bit to the slow twins and to LightGBM, and
`fastmath=True` would make `isnan` false.
`error_model="numpy"`: a division by zero gives inf or NaN, as in numpy, and raises nothing.
"""

import contextlib
import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numba.core.caching import UserProvidedCacheLocator
from numpy.typing import DTypeLike, NDArray

from corridor.cache import cache_folder

_config = cast("Any", numba.config)
_config.CACHE_DIR = _config.CACHE_DIR or str(cache_folder() / "numba")


class ByContent(UserProvidedCacheLocator):
    """Where the code of a function is kept: by the name of its file and what that says."""

    def __init__(self, function: Any, file: str) -> None:
        super().__init__(function, file)  # type: ignore[no-untyped-call]  # numba has no types
        path = Path(file)
        folder = Path(_config.CACHE_DIR) / path.stem / _digest(path)
        self._cache_path = str(folder)
        with contextlib.suppress(OSError):  # none yet, or a cache that may only be read
            os.utime(folder)  # when it was last of use: see `corridor.warm.clear`


def _digest(path: Path) -> str:
    return sha256(path.read_bytes()).hexdigest()[:32]


_OTHERS = "InTreeCacheLocator,UserWideCacheLocator,IPythonCacheLocator,ZipCacheLocator"
_config.CACHE_LOCATOR_CLASSES = _config.CACHE_LOCATOR_CLASSES or f"{__name__}.{ByContent.__name__},{_OTHERS}"

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` on first call for the types it is given; keep the code on disk."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return cast("Callable[P, R]", compiled)


def kernel_across(*modules: ModuleType) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """As `kernel`, for one whose steps stand in other modules too: name them, so that an edit is noticed.

    What their files say joins the stamp by which numba knows that its cache is stale.
    """
    stamps = tuple(_digest(Path(str(module.__file__))) for module in modules)

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        compiled = cast("Any", kernel(function))
        if hasattr(compiled, "_cache"):  # not under NUMBA_DISABLE_JIT
            file = compiled._cache._cache_file
            file._source_stamp = (file._source_stamp, stamps)
        return cast("Callable[P, R]", compiled)

    return decorate


def inline(function: Callable[P, R]) -> Callable[P, R]:
    """A scalar step of a kernel in the same file: compiled into its caller by LLVM."""
    compiled = numba.njit(nogil=True, error_model="numpy", inline="never")(function)
    return cast("Callable[P, R]", compiled)


def readonly(values: Any, dtype: DTypeLike) -> NDArray[Any]:
    """`values` as a contiguous, aligned, read-only array of `dtype`; copied only if need be.

    Numba compiles a kernel anew for each layout and for read-only input. Inputs that all pass
    through here have one type, so a kernel compiles once whatever the caller holds.
    """
    view = np.require(values, dtype, ["C", "A"]).view()
    view.flags.writeable = False
    return view
