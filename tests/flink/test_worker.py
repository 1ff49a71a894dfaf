"""What Flink's Python workers do, called as functions: no cluster needed."""

import builtins
from datetime import date

import numpy as np
import pandas as pd
import pytest

import corridor.judge
from corridor.flink import changing, lineages
from corridor.flink.accounts import COUNTS
from corridor.flink.decoding import Decode
from corridor.flink.failures import write_failures
from corridor.flink.judging import Judge, Judging
from corridor.flink.painting import Paint
from corridor.flink.worker import COUNTERS, Counters, read_counters, true_print
from corridor.messages.tokens import token
from corridor.picture.changes import KINDS
from corridor.picture.standing import unpack
from corridor.rulebook.sample import sample_path
from corridor.simulate import Service, blocks


@pytest.fixture(scope="module")
def lines() -> list[bytes]:
    return b"".join(blocks(Service(5), date(2026, 11, 24), 60)).splitlines()


def decoded(lines: list[bytes], progress: str | None = None) -> pd.DataFrame:
    decode = Decode(progress, replay=True)
    decode.open(None)
    times = pd.Series(pd.to_datetime(["2026-11-25"] * len(lines)))
    places = pd.Series(np.arange(len(lines)))
    return decode.eval(pd.Series(lines), times, pd.Series(["in/a.ndjson"] * len(lines)), places % 3, places)


def judged(rows: pd.DataFrame, standing: list[int] | None = None, decided_at: int = 0) -> pd.DataFrame:
    judge = Judge(Judging(str(sample_path()), (), decided_at, None, bins=True))
    judge.open(None)
    none = pd.Series([None] * len(rows))
    places = pd.Series(standing if standing is not None else [0] * len(rows))
    return judge.eval(rows["packed"].reset_index(drop=True), places, False, none, none, 0)


def test_each_line_is_a_row_with_its_declaration_or_its_reject(lines, tmp_path):
    rows = decoded([*lines, b"", b"{", b'\xff{"registered_at":"2026-11-24T10:00:00Z"}'], str(tmp_path))
    assert rows["packed"].notna().sum() == len(lines)
    rejects = rows[rows["reject"].notna()]
    assert len(rejects) == 3
    assert all(b'"source":"in/a.ndjson"' in reject for reject in rejects["reject"])
    assert rejects["reject_at"].tolist()[:2] == [None, None]
    assert rejects["reject_at"].iloc[2] == 1_795_514_400_000_000
    assert rows["row_id"].is_unique
    identities = rows["declaration_id"].dropna()
    assert rows.loc[identities.index, "hashed_id"].tolist() == [token(name) for name in identities]
    assert summed(rows["account"])["read"] == len(lines) + 3
    assert summed(rows["account"])["rejected"] == 3
    assert rows["account"].notna().sum() == 3, "an account for each partition"
    assert read_counters(tmp_path)["read"] == len(lines) + 3
    assert read_counters(tmp_path)["rejected"] == 3


@pytest.mark.parametrize("batch", [[b"{"], [b"", b"\xff\xfe{"], [None], [None, b"hello"], []])
def test_a_batch_without_one_good_record_is_read(batch):
    rows = decoded(batch)
    assert rows["packed"].isna().all()
    assert rows["reject"].notna().tolist() == [payload is not None for payload in batch]


def test_no_rows_are_judged_to_no_rows(lines):
    assert len(judged(decoded(lines[:2]).iloc[:0])) == 0


ON_THE_DAY = 1_795_521_600_000_000
"""Noon of 2026-11-24."""


def counted(parts: pd.Series) -> dict[str, int]:
    """Declarations in packed parts, by kind of cell."""
    found = dict.fromkeys(KINDS, 0)
    for part in (unpack(packed) for row in parts.dropna() for packed in row):
        found[part.kind] += int(part.sums[:, part.columns == 0].sum())
    return found


@pytest.mark.parametrize(
    ("decided", "superseded", "now", "daily"),
    [(0, 1, 1, True), (36, 34, 37, False), (0, 30, 50, False), (36, 40, 40, False), (33, 33.5, 34.4, True)],
)
def test_a_day_s_own_cells_lose_what_was_added_while_the_day_is_remembered(
    lines, monkeypatch, decided, superseded, now, daily
):
    """Days after that of registration: counts never go below what was added, whatever the versions' own times say."""
    at = {
        name: ON_THE_DAY + int(days * 86_400e6) for name, days in (("decided", decided), ("back", superseded))
    }
    monkeypatch.setattr(changing.time, "time", lambda: ON_THE_DAY / 1e6 + now * 86_400)
    rows = decoded(lines)
    judge = Judge(Judging(str(sample_path()), (), at["decided"], None, daily=True, live=True))
    judge.open(None)
    packed, none = rows["packed"].reset_index(drop=True), pd.Series([None] * len(rows))
    answer = judge.eval(packed, pd.Series([0] * len(rows)), False, none, none, 0)
    added = counted(answer["parts"])
    change = changing.Change(daily=True, live=True, bins=False)
    change.open(None)
    version = rows["version"].reset_index(drop=True)
    read_now = counted(change.eval(answer["decision"], version, none, none)["parts"])
    late, back = pd.Series([False] * len(rows)), pd.Series([at["back"]] * len(rows))
    kept = answer["corridor"], late, answer["flagged"], answer["remembered"], back
    for of, given in (("declarations", (packed, *kept)), ("decisions", (answer["decision"], back))):
        take_back = changing.TakeBack(of, live=True)
        take_back.open(None)
        found = counted(take_back.eval(*given))
        assert found["timed"] == -added["timed"] < 0
        assert found["parts"] == -added["parts"] < 0
        for kind in ("hours", "goods"):
            assert added[kind] > 0 if decided < 35 else added[kind] == 0
            assert found[kind] == (-added[kind] if daily else 0)
        assert found == {kind: -n for kind, n in read_now.items()}, "a topic that is read now, however old"


def test_the_detector_s_totals_are_the_same_from_decisions_alone(lines):
    """Counts of the service, offices, importers, shares; prices too, by the values and masses that decisions tell."""
    rows = decoded(lines)
    answer = judged(rows)
    change = changing.Change(daily=False, live=False, bins=True)
    change.open(None)
    none = pd.Series([None] * len(rows))
    anew = change.eval(answer["decision"], rows["version"].reset_index(drop=True), none, none)
    assert in_bins(anew) == in_bins(answer)
    dimensions = {cell.partition(":")[0] for cell, _ in in_bins(answer)}
    assert dimensions == {
        "service",
        "office",
        "importer",
        "office/hs_chapter",
        "office/origin_country",
        "price",
    }


def in_bins(frame: pd.DataFrame) -> dict[tuple[str, int], list[int]]:
    """Sums by cell and bin."""
    found: dict[tuple[str, int], np.ndarray] = {}
    for cells, sums in frame.loc[frame["bin_cells"].notna(), ["bin_cells", "bin_sums"]].itertuples(
        index=False
    ):
        table = np.asarray(sums).reshape(len(cells), -1)
        for cell, row in zip(cells, table, strict=True):
            key = cell, int(row[0])
            found[key] = found.get(key, 0) + row[2:]
    return {key: sums.tolist() for key, sums in found.items()}


def test_a_cell_is_never_painted_below_zero():
    """What is taken back may overtake what was added."""
    paint = Paint(None)
    paint.open(None)
    one = pd.Series([29_926_080])
    painted = paint.eval("day", one, pd.Series(["office:10131010"]), True, *[pd.Series([-1])] * 13)
    assert b'"declarations":0,' in painted[0]
    assert b"-1" not in painted[0].split(b'"declarations"')[1]


def test_a_tombstone_is_neither(lines):
    rows = decoded([*lines, None])
    assert rows[["reject", "packed", "declaration_id"]].iloc[-1].isna().all()
    counted = summed(rows["account"])
    assert (counted["read"], counted["rejected"], counted["tombstones"]) == (len(lines) + 1, 0, 1)


def test_a_batch_may_be_cut_anywhere(lines):
    rows = decoded(lines)
    whole = judged(rows)
    parts = pd.concat([judged(rows.iloc[:7]), judged(rows.iloc[7:8]), judged(rows.iloc[8:])])
    assert whole["decision"].tolist() == parts["decision"].tolist()
    assert whole["trace"].tolist() == parts["trace"].tolist()
    for cells, sums in (("cells", "sums"), ("bin_cells", "bin_sums")):
        assert len(totals(whole, cells, sums)) > 100
        assert totals(whole, cells, sums) == totals(parts, cells, sums)


def summed(accounts: pd.Series) -> dict[str, int]:
    """The accounts of all partitions together."""
    table = np.stack(accounts.dropna().tolist())
    return dict(zip(COUNTS, table[:, 1:].sum(axis=0).tolist(), strict=True))


def totals(rows: pd.DataFrame, cells: str, sums: str) -> dict:
    """What a batch changes, by cell and moment, however it is spread over rows."""
    found: dict = {}
    for names, numbers in zip(rows[cells], rows[sums], strict=True):
        if names is None:
            continue
        for name, (moment, _, *values) in zip(names, np.reshape(numbers, (len(names), -1)), strict=True):
            before = found.get((name, moment), np.zeros(len(values), np.int64))
            found[name, moment] = before + np.array(values)
    return {key: value.tolist() for key, value in found.items()}


def test_a_conflict_gives_its_anomaly_only(lines):
    rows = decoded(lines[:3])
    answer = judged(rows, [0, 2, 0])
    assert answer["decision"].isna().tolist() == [False, True, False]
    assert answer["corridor"].isna().tolist() == [False, True, False]
    assert sum(b"consignment.conflict" in a for a in answer["anomalies"].iloc[0]) == 1
    alone = judged(rows, [2, 2, 2])
    assert alone["decision"].isna().all()
    assert alone["corridor"].isna().all()
    duplicates = judged(rows, [1, 1, 1])
    assert duplicates[["decision", "corridor", "anomalies"]].isna().all(axis=None)


def test_a_failing_row_is_left_out_and_the_batch_goes_on(lines, monkeypatch, tmp_path):

    rows = decoded(lines)
    bad = rows["declaration_id"].iloc[[5, 41]].tolist()
    true = corridor.judge.judge_in_force

    def failing(batch, history, shelf, candidate):
        if {batch.texts(i)[0] for i in range(len(batch))} & set(bad):
            raise FloatingPointError("a kernel failed")
        return true(batch, history, shelf, candidate)

    expected = judged(rows)["decision"]
    monkeypatch.setattr(corridor.judge, "judge_in_force", failing)
    answer = judged(rows)
    counted = summed(answer["account"])
    assert (counted["decided"], counted["rejected"]) == (len(lines) - 2, 2)
    assert answer.index[answer["decision"].isna()].tolist() == [5, 41]
    assert answer["decision"].drop([5, 41]).tolist() == expected.drop([5, 41]).tolist()

    source = tmp_path / "in.ndjson"
    source.write_bytes(b"\n".join(lines))
    failed = rows.loc[[5, 41], ["declaration_id", "version", "content"]].to_dict("records")
    assert write_failures(failed, (source,), tmp_path / "rejects") == 2
    written = (tmp_path / "rejects" / "judge.ndjson").read_bytes()
    assert f'"stage":"judge","source":"{source}:6"'.encode() in written
    assert f"{source}:42".encode() in written


def test_what_came_before_and_after_a_record():
    known = pd.Series([None, ";1,-5,77,10;2,9,0,20", ";3,4,0,5;1,8,77,6;1,9,88,7;2,-1,0,8"])
    previous, declarant, later = lineages.predecessors(np.array([1, 2, 2]), known, known)
    assert previous.tolist() == [0, 1, 1]
    assert declarant.tolist() == [0, 77, 77]
    assert later.tolist() == [lineages.NEVER, lineages.NEVER, 5]


def test_print_is_true_while_modules_are_imported(monkeypatch):
    original = builtins.print

    class Custom:
        def __init__(self):
            self._print = original

        def print(self, *args):
            return None

    monkeypatch.setattr(builtins, "print", Custom().print)
    replaced = builtins.print
    with true_print():
        assert builtins.print is original
    assert builtins.print is replaced


def test_counters_of_all_workers_are_summed(tmp_path):
    for n in (2, 3):
        Counters(str(tmp_path)).add("judged", n)
    assert read_counters(tmp_path) == dict.fromkeys(COUNTERS, 0) | {"judged": 5}
    Counters(None).add("read", 1)
