import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.errors import InputError
from corridor.messages.columns import HEAD, ITEM, Declarations
from corridor.messages.declaration import decode
from corridor.messages.packed import pack, unpack

from .documents import INGESTED, assert_same_declarations, documents, payload


def batch(*bodies: bytes) -> Declarations:
    return decode(bodies, INGESTED).declarations


def test_the_layout_that_the_scanner_writes_in_words():
    assert (HEAD.itemsize, ITEM.itemsize) == (96, 112)


@given(st.lists(documents(), max_size=5))
def test_what_is_packed_comes_back(bodies: list[bytes]):
    whole = batch(*bodies)
    blobs = pack(whole)
    assert_same_declarations(unpack(blobs), whole)
    assert pack(unpack(blobs)) == blobs
    assert [pack(unpack([blob]))[0] for blob in blobs] == blobs


def test_packed_bytes_do_not_depend_on_the_neighbours():
    bodies = [payload({"office": name}) for name in ("1", "22", "Жук")]
    assert pack(batch(*bodies)) == [pack(batch(body))[0] for body in bodies]
    assert unpack(pack(batch(*bodies))[::-1]).texts(0)[1] == "Жук"


def test_an_empty_batch():
    assert pack(batch()) == []
    assert len(unpack([])) == 0


def test_a_part_of_a_batch_and_arrays_that_are_strided_or_read_only():
    whole = batch(*[payload({"version": i}) for i in range(1, 7)])
    part = whole.take(np.array([4, 0]))
    assert unpack(pack(part)).heads["version"].tolist() == [5, 1]
    heads = np.repeat(whole.heads, 2)[::2]
    heads.flags.writeable = False
    odd = Declarations(heads, np.repeat(whole.items, 2)[::2], whole.offsets, whole.text, whole.text_starts)
    assert pack(odd) == pack(whole)


@pytest.mark.parametrize("cut", [0, 95, -1, -112])
def test_a_blob_cut_short_is_refused(cut: int):
    blob = pack(batch(payload()))[0]
    with pytest.raises(InputError, match=r"packed declaration 1 has \d+ bytes"):
        unpack([blob, blob[:cut], blob])
    with pytest.raises(InputError):
        unpack([blob + b"x"])
