import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corridor.kernels.lines import line_ends


@given(st.integers(0, 200), st.lists(st.integers(0, 199)), st.integers(0, 40))
def test_line_ends_are_found_wherever_they_stand(size: int, places: list[int], room: int):
    block = np.full(300, 65, np.uint8)
    block[places] = 10
    block[size:] = 10  # what stands behind the block does not count
    wanted = np.flatnonzero(block[:size] == 10)
    ends = np.full(room, -1)
    assert line_ends(block.ctypes.data, size, ends) == len(wanted)
    assert ends[: len(wanted)].tolist() == wanted[:room].tolist()
