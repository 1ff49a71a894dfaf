"""The one decorator of the kernels: flags and cache policy in one place.

`nogil`: kernels touch no Python object, so threads of a worker may run side by side.
`cache`: a second start of a worker loads machine code instead of compiling it; all processes share one
folder ($NUMBA_CACHE_DIR, else the user's cache folder), and `python -m corridor.warm` fills it.
Numba's cache does not notice an edit of an njit function in another file, so a kernel calls njit
functions of its own file only.
`fastmath` stays off: results must be equal bit for bit to the slow twins and to LightGBM, and
`fastmath=True` would make `isnan` false.
`error_model="numpy"`: a division by zero gives inf or NaN, as in numpy, and raises nothing.
"""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any, ParamSpec, TypeVar, cast

import numba
import numpy as np
from numpy.typing import DTypeLike, NDArray

from corridor.cache import cache_folder

_config = cast("Any", numba.config)
_config.CACHE_DIR = _config.CACHE_DIR or str(cache_folder() / "numba")

P = ParamSpec("P")
R = TypeVar("R")


def kernel(function: Callable[P, R]) -> Callable[P, R]:
    """Compile `function` on first call for the types it is given; keep the code on disk."""
    compiled = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    return cast("Callable[P, R]", compiled)


def kernel_across(*modules: ModuleType) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """As `kernel`, for one whose steps stand in other modules too: name them, so that an edit is noticed.

    Their size and time of change join the stamp by which numba knows that its cache is stale.
    """
    states = [Path(str(module.__file__)).stat() for module in modules]
    stamps = tuple((state.st_mtime, state.st_size) for state in states)

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
