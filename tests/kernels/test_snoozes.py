"""Snoozed hits against a walk over every snooze."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corridor.messages.tokens import token
from corridor.rulebook.snoozes import Snooze, Snoozes
from tests.naive import lists as naive

PARTIES = ["", "A", "77123", "a long name of a firm"]
RULES = ("one", "two", "three")
snoozes = st.lists(
    st.tuples(st.integers(0, 2), st.sampled_from(PARTIES[1:]), st.integers(0, 5), st.integers(1, 5)),
    max_size=10,
)
declared = st.lists(st.tuples(st.sampled_from(PARTIES), st.integers(0, 11), st.integers(1, 3)), max_size=12)


class Batch:
    """What `silence` reads of a batch."""

    def __init__(self, rows: list[tuple[str, int, int]]) -> None:
        kind = [(name, "<i8") for name in ("importer", "declarant", "exporter", "office", "registered_at")]
        self.heads = np.zeros(len(rows), kind)
        self.heads["importer"] = [token(row[0]) for row in rows]
        self.heads["registered_at"] = [row[1] for row in rows]
        self.offsets = np.concatenate([[0], np.cumsum([row[2] for row in rows])]).astype(np.int64)


@given(snoozes, declared, st.integers(0, 2**20))
def test_what_is_snoozed_does_not_speak(rows, batch, seed):
    m = sum(row[2] for row in batch)
    hits = np.random.default_rng(seed).integers(0, 2, (3, m)).astype(np.uint8)
    times = [(rule, code, since, since + length) for rule, code, since, length in rows]
    entries = [
        Snooze(RULES[r], "importer", code, since, until, "why", "who", 1) for r, code, since, until in times
    ]
    entries.append(Snooze("in shadow", "importer", "A", 0, 99, "why", "who", 1))
    wanted = naive.silenced(
        hits.tolist(), [b[2] for b in batch], [b[0] for b in batch], [b[1] for b in batch], times
    )
    made, given_ = Snoozes(tuple(entries), RULES), Batch(batch)
    silenced = hits.copy()
    made.silence(silenced, given_)
    assert silenced.tolist() == wanted
    declaration = np.repeat(np.arange(len(batch)), np.diff(given_.offsets))
    for r, i in zip(*np.nonzero(hits > silenced), strict=True):
        snooze = made.of(int(r), given_, int(declaration[i]))
        assert snooze.rule == RULES[r]
        assert snooze.since <= batch[declaration[i]][1] < snooze.until


def test_without_snoozes_nothing_is_looked_up():
    hits = np.ones((1, 4), np.uint8)
    Snoozes((), RULES).silence(hits, None)
    assert hits.all()
