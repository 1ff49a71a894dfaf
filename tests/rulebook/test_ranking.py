import numpy as np
import pytest

from corridor.kernels import ranked
from corridor.kernels.trees import Forest
from corridor.rulebook.ranking import rank


def stairs(leaves):
    """A tree that is one long stair of splits on feature 0: leaf i for i - 1 < x <= i."""
    nodes = leaves - 1
    right = [i + 1 for i in range(nodes - 1)] + [~nodes]
    return Forest.of(
        root=[0],
        feature=np.zeros(nodes),
        threshold=np.arange(nodes),
        decision=np.zeros(nodes),
        left=[~i for i in range(nodes)],
        right=right,
        first_word=np.zeros(nodes),
        words=np.zeros(nodes),
        bits=[],
        value=np.arange(leaves),
        expected=np.zeros(nodes),
    )


def by_category(*sets):
    """A tree for each set of categories of feature 0: 1 in the set, 0 outside."""
    words = np.zeros((len(sets), 4), np.uint32)
    for row, members in zip(words, sets, strict=True):
        for member in members:
            row[member // 32] |= np.uint32(1 << member % 32)
    n = len(sets)
    return Forest.of(
        root=np.arange(n),
        feature=np.zeros(n),
        threshold=np.zeros(n),
        decision=np.ones(n),
        left=~np.arange(0, 2 * n, 2),
        right=~np.arange(1, 2 * n, 2),
        first_word=np.arange(n) * 4,
        words=np.full(n, 4),
        bits=words.ravel(),
        value=np.tile([1.0, 0.0], n),
        expected=np.zeros(n),
    )


@pytest.mark.parametrize("leaves", [2, 3, 4, 255, 256, 257, 1000])
def test_ranks_take_two_bytes_where_one_is_too_small(leaves):
    forest = rank(stairs(leaves))
    assert forest.above.dtype == (np.uint8 if leaves <= 255 else np.uint16)
    x = np.arange(-1, leaves + 1) - 0.5
    want = np.clip(np.ceil(x), 0, leaves - 1)
    assert ranked.raw(forest, x[:, None]).tolist() == want.tolist()


def test_a_forest_beyond_two_bytes_is_refused():
    with pytest.raises(ValueError, match="at most 65535"):
        rank(stairs(65_537))


def test_a_set_of_categories_is_a_chain_of_splits():
    sets = [{0}, {5, 6, 7, 90}, {0, 2, 4, 6, 8, 100}, set(range(0, 120, 3)), {127}, {1}, set(range(128))]
    forest = rank(by_category(*sets))
    x = np.array([*range(-2, 140), 0.5, -0.5, 5.99, np.nan, np.inf, 1e300])
    want = [sum(np.isfinite(v) and int(v) in members and v > -1 for members in sets) for v in x]
    assert ranked.raw(forest, x[:, None]).tolist() == want


def test_an_empty_set_sends_all_right():
    assert ranked.raw(rank(by_category(set())), np.array([[0.0], [5.0], [np.nan]])).tolist() == [
        0.0,
        0.0,
        0.0,
    ]


def test_columns_that_never_miss_are_shared():
    forest = stairs(40)
    mixed = forest._replace(decision=np.where(np.arange(39) % 2, 2, 0).astype(np.uint8))
    assert len(rank(mixed).missing) == 1
    nan = forest._replace(decision=np.where(np.arange(39) % 2, 10, 8).astype(np.uint8))
    assert len(rank(nan).missing) == 2
