"""Accounts of batches: each record counted once, under its own partition."""

import collections

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.flink.accounts import CONFLICT, COUNTS, DUPLICATE, STANDS, Tell, judged_account, read_account
from corridor.flink.metrics import Metrics

RECORDS = st.lists(
    st.tuples(st.integers(0, 7), st.integers(0, 2**40), st.sampled_from(["good", "rejected", "empty"])),
    max_size=60,
)


def told(accounts) -> dict[int, dict[str, int]]:
    rows = [account for account in accounts if account is not None]
    assert all(account is None for account in accounts[len(rows) :])
    return {int(row[0]): dict(zip(COUNTS, map(int, row[1:]), strict=True)) for row in rows}


@given(RECORDS)
def test_what_was_read(records):
    part, place = (np.array([record[k] for record in records], np.int64) for k in (0, 1))
    rejected, empty = (np.array([r[2] == kind for r in records], bool) for kind in ("rejected", "empty"))
    found = told(read_account(part, place, rejected, empty))
    for partition in {record[0] for record in records}:
        own = [record for record in records if record[0] == partition]
        kinds = collections.Counter(kind for _, _, kind in own)
        assert found.pop(partition) == dict.fromkeys(COUNTS, 0) | {
            "read": len(own), "rejected": kinds["rejected"], "tombstones": kinds["empty"],
            "position": max(place for _, place, _ in own),
        }  # fmt: skip
    assert found == {}


@given(st.lists(st.tuples(st.integers(0, 7), st.sampled_from([STANDS, DUPLICATE, CONFLICT]), st.booleans())))
def test_what_was_judged(records):
    part = np.array([record[0] for record in records], np.int64)
    standing = np.array([record[1] for record in records], np.int8)
    decided = np.array([record[1] == STANDS and record[2] for record in records], bool)
    found = told(judged_account(part, standing, decided))
    for partition in {record[0] for record in records}:
        counts = found.pop(partition)
        assert counts["decided"] + counts["rejected"] + counts["duplicates"] == sum(part == partition)
        assert counts["conflicts"] == sum((part == partition) & (standing == CONFLICT))
        assert counts["decided"] == sum((part == partition) & decided)
        assert (counts["read"], counts["position"]) == (0, -1)
    assert found == {}


class Group:
    """Stands where Flink's metric group would be, and keeps what it is told."""

    def __init__(self, kept, scope=()):
        self.kept, self.scope = kept, scope

    def add_group(self, *names):
        return Group(self.kept, (*self.scope, *names))

    def gauge(self, name, value):
        assert (*self.scope, name) not in self.kept, "made twice"
        self.kept[(*self.scope, name)] = value

    def counter(self, name):
        assert (*self.scope, name) not in self.kept, "made twice"
        self.kept[(*self.scope, name)] = [0]
        return Counter(self.kept[(*self.scope, name)])


class Counter:
    def __init__(self, cell):
        self.cell = cell

    def inc(self, n):
        self.cell[0] += n


class Context:
    def __init__(self):
        self.kept = {}

    def get_metric_group(self):
        return Group(self.kept)


def test_gauges_follow_the_newest_sums():
    context = Context()
    tell = Tell("t")
    tell.open(context)
    for read, decided in ((5, 3), (9, 9)):
        payload = tell.eval(
            *(pd.Series([n]) for n in (2, 41)), *(pd.Series([n]) for n in (read, decided, 0, 0, 0, 0))
        )
    assert b'"partition":2,"position":41,"read":9,"decided":9' in payload[0]
    scope = ("corridor", "partition", "2")
    assert context.kept[(*scope, "conservation_read")]() == 9
    assert context.kept[(*scope, "conservation_waiting")]() == 0


def test_counters_are_made_once_and_by_label():
    context = Context()
    metrics = Metrics(context)
    for _ in range(3):
        metrics.count("decided", 2, corridor="green")
        metrics.count("read", 0)
    counted = {place: kept for place, kept in context.kept.items() if not callable(kept)}
    assert counted == {("corridor", "corridor", "green", "decided"): [6], ("corridor", "read"): [0]}
    assert set(context.kept) - set(counted) == {("corridor", "resident_bytes")}


@pytest.mark.parametrize("label", [{}, {"corridor": "red"}])
def test_without_a_context_they_lead_nowhere(label):
    Metrics(None).count("decided", 1, **label)
    Metrics(None).tell("decided", 1, **label)
