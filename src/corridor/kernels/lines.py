"""Where the lines of a block of NDJSON end: 32 bytes looked at together."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import loads
from corridor.kernels._jit import kernel_across
from corridor.kernels.loads import newlines, trailing_zeros

_NONE, _ONE = np.uint64(0), np.uint64(1)


@kernel_across(loads)
def line_ends(start: int, size: int, ends: NDArray[Any]) -> int:
    """Write to ends i64[k] where line ends stand among `size` bytes at address `start`; how many there are.

    No more than k are written, all are counted; 32 bytes behind the block must be readable.
    """
    count = 0
    for at in range(0, size, 32):
        found = newlines(start + at)
        while found != _NONE:
            place = at + trailing_zeros(found)
            if place < size:
                if count < len(ends):
                    ends[count] = place
                count += 1
            found &= found - _ONE
    return count
