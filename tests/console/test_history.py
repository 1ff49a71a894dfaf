"""A cell over time, beside a slow twin of dictionaries."""

from hypothesis import given
from hypothesis import strategies as st

from corridor.console.history import History

WIDTH, STEP = 3, 900
PUTS = st.lists(st.tuples(st.integers(1, 8 * STEP), st.tuples(*[st.integers(-1, 1 << 53)] * 5)), max_size=30)


class Slow:
    """The newest row, and that of every step."""

    def __init__(self) -> None:
        self.end, self.row = 0, (0,) * WIDTH
        self.steps: dict[int, tuple[int, tuple[int, ...]]] = {}

    def put(self, step: int, end: int, row: tuple[int, ...], upsert: bool) -> None:
        if upsert or step not in self.steps or end >= self.steps[step][0]:
            self.steps[step] = end, row[:WIDTH]
        if upsert or end >= self.end:
            self.end, self.row = end, row[:WIDTH]

    def at(self, step: int) -> tuple[int, ...] | None:
        before = [one for one in self.steps if one <= step]
        return self.steps[max(before)][1] if before else None


@given(PUTS, st.booleans())
def test_it_holds_what_its_slow_twin_holds_whatever_the_order(puts, upsert):
    history, slow = History(WIDTH), Slow()
    for end, row in puts:
        step = -(-end // STEP) - 1
        history.put(step, end, row, upsert)
        slow.put(step, end, row, upsert)
        assert (history.end, history.row) == (slow.end, slow.row)
    assert [history.at(step) for step in range(-1, 9)] == [slow.at(step) for step in range(-1, 9)]
    assert list(history.rows()) == [slow.steps[step] for step in sorted(slow.steps)]
    assert len(history) == len(slow.steps)
