"""What a batch changes in the picture, beside its slow twin."""

import itertools
from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.history import History
from corridor.judge import judge
from corridor.kernels.tally import NEVER
from corridor.messages.columns import CORRIDORS
from corridor.messages.contributions import contributions, names
from corridor.messages.declaration import decode
from corridor.messages.sums import Goods, goods
from corridor.messages.tokens import token
from corridor.picture.cells import MEASURES
from corridor.picture.changes import KINDS, REMEMBERED, by_bin, by_day, by_minute, cell_name, cell_of
from corridor.picture.times import milliseconds
from corridor.rulebook.load import load
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, day
from tests.naive import changes as naive


@pytest.fixture(scope="module")
def decided():
    """A day with amendments and cancellations, and an odd chapter and origin; late ones and superseded ones by lot."""
    lines = list(day(Service(2), date(2026, 11, 24), 400, Options(garbage=0.0)))
    lines[3] = lines[3].replace(b'"hs_code":"', b'"hs_code":"x')
    lines[5] = lines[5].replace(b'"origin_country":"', b'"origin_country":"Gro\xc3\x9fland')
    batch = decode(lines, np.zeros(len(lines), np.int64)).declarations
    added = contributions(batch, judge(batch, History.none(len(batch)), load(sample_path())))
    rng = np.random.default_rng(5)
    added.late[:] = rng.random(len(batch)) < 0.1
    after = added.registered_at + rng.integers(0, 30 * 3_600_000_000, len(batch))
    superseded = np.where(rng.random(len(batch)) < 0.2, after, NEVER)
    assert {0, 1, 2} == set(added.function.tolist())
    assert 0 < added.flagged.sum() < len(batch)
    return added, goods(batch), superseded, names(batch, "importer")


def table(changes):
    found = {
        (moment, cell): sums
        for moment, cell, sums in zip(
            changes.moment.tolist(), changes.cell, changes.sums.tolist(), strict=True
        )
    }
    assert len(found) == len(changes.cell)
    assert changes.hashed.tolist() == [token(cell) for cell in changes.cell]
    return found


def test_minutes_equal_those_of_the_slow_twin(decided):
    *given, superseded, _ = decided
    assert table(by_minute(*given, superseded)) == naive.by_minute(*given, superseded)


@pytest.mark.parametrize("added", [True, False])
def test_days_hold_what_their_minutes_hold(decided, added):
    *given, superseded, _ = decided
    expected: dict = {}
    last: dict = {}
    for (moment, cell), sums in naive.by_minute(*given, superseded, added=added).items():
        key = moment // 1440, cell
        expected[key] = np.add(expected.get(key, 0), sums).tolist()
        if cell == "service:all":
            last[key[0]] = max(last.get(key[0], 0), moment)
    changes, found = by_day(*given, superseded, added=added), {}
    for kind, change in changes.items():
        assert {cell_of(cell)[0] for cell in change.cell} == set(KINDS[kind])
        assert not change.sums[:, len(MEASURES) :].any()
        found |= {key: sums[: len(MEASURES)] for key, sums in table(change).items()}
    assert {(moment // 1440, cell): sums for (moment, cell), sums in found.items()} == expected
    assert {moment for moment, _ in found} == set(last.values())
    assert added or all(sums[0] < 0 for sums in found.values())


def test_decision_times_are_counted_once_whatever_becomes_of_the_declaration(decided):
    added, of, superseded, _ = decided
    took = np.random.default_rng(7).lognormal(1.0, 1.5, len(superseded)) * 1e6
    told = by_day(added, of, superseded, added.registered_at + took.astype(np.int64))
    untold = by_day(added, of, superseded)
    assert all(table(told[kind]) == table(untold[kind]) for kind in KINDS if kind != "timed")
    recent = np.arange(len(superseded)) % 2 == 0
    told_at = added.registered_at + np.where(recent, 1, REMEMBERED * 86_400_000_001)
    forgotten = table(by_day(added, of, superseded, told_at)["hours"])
    counts = {cell: sums[0] for (_, cell), sums in forgotten.items() if cell.startswith("hour:")}
    standing = (added.function != 2) & (superseded == NEVER)
    assert sum(counts.values()) == (standing & recent).sum()
    columns: dict = {}
    for (_, cell), sums in table(told["timed"]).items():  # of all days together
        columns[cell_of(cell)] = np.add(columns.get(cell_of(cell), 0), sums[len(MEASURES) :])
    for k, corridor in enumerate(CORRIDORS):
        mine = np.sort(took[added.corridor == k])
        if len(mine):
            close(columns["corridor", corridor], mine)
    close(columns["service", "all"], np.sort(took))
    for office in set(added.office.tolist()):
        close(columns["office", office], np.sort(took[added.office == office]))


def close(columns, took):
    """Each quantile lies within 5 % of the time at its rank."""
    told = milliseconds(np.array([columns]))[0] / 1000
    for quantile, found in zip((0.5, 0.95, 0.99), told, strict=True):
        exact = took[int(quantile * (len(took) - 1))] / 1e6
        assert abs(found - max(exact, 0.1)) <= 0.05 * exact + 0.001


def test_bins_equal_those_of_the_slow_twin(decided):
    added, of, _, importer = decided
    given = added, of.chapters, of.origins, importer
    assert table(by_bin(*given)) == naive.by_bin(*given)


def test_nothing_changes_nothing(decided):
    *given, _, importer = decided
    none = [cut(part, 0, 0) for part in given]
    nothing = np.zeros(0, np.int64)
    assert by_minute(*none, nothing).cell == []
    assert [changes.cell for changes in by_day(*none, nothing, nothing).values()] == [[]] * len(KINDS)
    assert by_bin(none[0], none[1].chapters, none[1].origins, importer[:0]).cell == []


@given(cuts=st.lists(st.integers(0, 400), max_size=4))
@settings(max_examples=15, deadline=None)
def test_the_batch_may_be_cut_anywhere(decided, cuts):
    *given, superseded, _ = decided
    whole = table(by_minute(*given, superseded))
    parts: dict = {}
    bounds = sorted({0, *cuts, len(superseded)})
    for a, b in itertools.pairwise(bounds):
        part = table(by_minute(*(cut(piece, a, b) for piece in given), superseded[a:b]))
        for key, sums in part.items():
            parts[key] = np.add(parts.get(key, np.zeros(len(sums), np.int64)), sums)
    assert {key: sums.tolist() for key, sums in parts.items()} == whole


def cut(part, a, b):
    """Decisions a to b of contributions or of cells."""
    if isinstance(part, Goods):
        return replace(
            part, **{name: cut(getattr(part, name), a, b) for name in ("chapters", "origins", "pairs")}
        )
    names_ = list(part.__dataclass_fields__)
    values = {name: getattr(part, name) for name in names_}
    if "offsets" not in values:
        return type(part)(**{name: value[a:b] for name, value in values.items()})
    low, high = part.offsets[a], part.offsets[b]
    rows = {name: value[low:high] for name, value in values.items() if name not in ("by", "offsets")}
    return type(part)(by=part.by, offsets=part.offsets[a : b + 1] - low, **rows)


@pytest.mark.parametrize("value", ["all", "10131010/CN", "a:b:c", ""])
def test_a_cell_s_name_holds_dimension_and_value(value):
    assert cell_of(cell_name("office", value)) == ("office", value)
