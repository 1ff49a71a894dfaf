import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corridor.kernels import overlap
from tests.naive import overlap as naive


@given(st.data())
def test_equal_to_the_slow_twin_however_it_is_cut(data):
    rules, items = data.draw(st.integers(0, 5)), data.draw(st.integers(0, 40))
    bits = data.draw(st.lists(st.booleans(), min_size=rules * items, max_size=rules * items))
    hits = np.array(bits, np.uint8).reshape(rules, items)
    steps = data.draw(st.lists(st.booleans(), min_size=items, max_size=items))
    declaration = np.cumsum(np.array(steps, np.int64))
    counted = np.array(data.draw(st.lists(st.booleans(), min_size=rules, max_size=rules)), np.bool_)
    found = overlap.Overlap.none(rules)
    overlap.add(hits, declaration, counted, found, block=data.draw(st.integers(1, 50)))
    together, alone, declarations = naive.overlap(hits.tolist(), declaration.tolist(), counted.tolist())
    assert found.together.tolist() == together
    assert found.alone.tolist() == alone
    assert found.declarations.tolist() == declarations


def test_batches_add_up():
    rng = np.random.default_rng(1)
    hits = (rng.random((4, 300)) < 0.3).astype(np.uint8)
    declaration, counted = np.repeat(np.arange(100), 3), np.array([True, True, False, True])
    whole, parts = overlap.Overlap.none(4), overlap.Overlap.none(4)
    overlap.add(hits, declaration, counted, whole)
    overlap.add(hits[:, :150], declaration[:150], counted, parts)
    overlap.add(hits[:, 150:], declaration[150:], counted, parts)
    for one, other in zip(whole, parts, strict=True):
        assert np.array_equal(one, other)
