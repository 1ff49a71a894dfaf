"""The plan of payments: read whole or refused in one line, and what is told of it."""

from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest

from corridor.errors import InputError
from corridor.messages.columns import NO_MONEY
from corridor.picture import plan as module
from corridor.picture.forecast import Prospect
from corridor.picture.norms import PictureNorms
from corridor.picture.plan import PaymentPlan
from corridor.rulebook.lists import ALWAYS, FOREVER, CodeList

HOUR = 3_600_000_000
DAY = 24 * HOUR
MONDAY = int(datetime(2026, 11, 23, tzinfo=UTC).timestamp()) * 1_000_000


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "plan.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def test_a_plan_is_read_to_the_cent_in_any_order_of_columns(tmp_path):
    path = written(
        tmp_path,
        "\ufeffdate, payments,office\r\n2026-11-23,0.5,10\r\n\r\n2026-11-24,100000000000000.07, \r\n",
    )
    assert PaymentPlan.load(path).by_day() == {
        ("10", MONDAY // DAY): 50,
        ("", MONDAY // DAY + 1): 10_000_000_000_000_007,
    }


HEAD = "office,date,payments\n"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "plan.csv:1: the columns are ''"),
        ("office;date;payments\n1;2026-11-23;5\n", "separated by commas"),
        ("office,date\n1,2026-11-23\n", "whose first line is office,date,payments"),
        (HEAD, "no row below the first line"),
        (
            HEAD + "1,2026-11-23,5\n2,2026-11-23,6\n1,2026-11-23,5\n",
            "plan.csv:4: 1 on 2026-11-23 stands in line 2",
        ),
        (HEAD + ",2026-11-23,5\n,2026-11-23,6\n", "the whole service on 2026-11-23 stands in line 2"),
        (HEAD + "1,23.11.2026,5\n", "plan.csv:2: '23.11.2026' is no date"),
        (HEAD + "1,20261123,5\n", "is no date"),
        (HEAD + "1,2026-02-30,5\n", "is no date"),
        (HEAD + "1,2026-11-23,-5\n", "plan.csv:2: '-5' is no amount"),
        (HEAD + "1,2026-11-23,nan\n", "'nan' is no amount"),
        (HEAD + "1,2026-11-23,\n", "'' is no amount; write the payments planned"),
        (HEAD + "1,2026-11-23,1e9\n", "is no amount"),
        (HEAD + "1,2026-11-23,1.005\n", "is no amount"),
        (HEAD + "1,2026-11-23,1 000\n", "is no amount"),
        (HEAD + "1,2026-11-23,\u0661\n", "is no amount"),
        (HEAD + "1,2026-11-23,1,000\n", "4 values where there are 3 columns"),
        (HEAD + f"{'9' * 65},2026-11-23,1\n", "has more than 64 characters"),
        (HEAD + '"1,2026-11-23,1\n', "unexpected end of data"),
        (HEAD.encode() + b"\xff,2026-11-23,1\n", "can't decode byte 0xff"),
        (HEAD.encode("utf-16"), "can't decode byte"),
    ],
)
def test_what_is_no_plan_is_named_by_its_line(tmp_path, text, told):
    with pytest.raises(InputError) as refused:
        PaymentPlan.load(written(tmp_path, text))
    assert told in str(refused.value)
    assert "\n" not in str(refused.value)


def test_no_file_a_folder_and_too_much_are_refused(tmp_path, monkeypatch):
    for path, told in ((tmp_path / "nowhere", "No such file"), (tmp_path, "Is a directory")):
        with pytest.raises(InputError, match=told):
            PaymentPlan.load(path)
    path = written(tmp_path, HEAD + "1,2026-11-23,5\n2,2026-11-23,5\n")
    monkeypatch.setattr(module, "MOST_ROWS", 1)
    with pytest.raises(InputError, match="more than 1 rows"):
        PaymentPlan.load(path)
    monkeypatch.setattr(module, "_MOST_BYTES", 10)
    with pytest.raises(InputError, match="larger than"):
        PaymentPlan.load(path)


def test_an_office_that_the_rulebook_does_not_know_is_named(tmp_path):
    path = written(tmp_path, HEAD + ",2026-11-23,5\n10131010,2026-11-23,5\n1013101O,2026-11-23,5\n")
    plan = PaymentPlan.load(path)
    offices = CodeList.of("offices", [("10131010", ALWAYS, FOREVER)])
    plan.check(CodeList.of("offices", [("10131010", ALWAYS, FOREVER), ("1013101O", ALWAYS, FOREVER)]), path)
    with pytest.raises(InputError, match="'1013101O' is no office of the rulebook's list on 2026-11-23"):
        plan.check(offices, path)


def prospect(tmp_path, rows: str, expected: np.ndarray | None = None) -> Prospect:
    plan = PaymentPlan.load(written(tmp_path, HEAD + rows))
    if expected is None:
        return Prospect(plan)
    norms = PictureNorms(counts={("service", "all"): np.stack([expected, np.ones(168)])})
    return Prospect(plan, ((MONDAY, norms),))


def told(of: Prospect, period: str, elapsed: list[int], payments: list[int], cell=("service", "all")) -> list:
    n = len(elapsed)
    window = np.full(n, MONDAY), MONDAY + np.array(elapsed, np.int64)
    return of.told(period, window, [cell[0]] * n, [cell[1]] * n, np.array(payments)).tolist()


def test_a_week_s_plan_is_that_of_its_days_and_a_gap_is_no_plan_of_nothing(tmp_path):
    rows = ",2026-11-23,5\n,2026-11-29,7\n,2026-11-30,100\n8,2026-11-24,0\n"
    of = prospect(tmp_path, rows)
    assert told(of, "day", [HOUR], [1]) == [[500, NO_MONEY]]
    assert told(of, "week", [HOUR], [1]) == [[1200, NO_MONEY]]
    assert told(of, "day", [HOUR], [1], ("office", "8")) == [[NO_MONEY, NO_MONEY]]
    assert told(of, "week", [HOUR], [1], ("office", "8")) == [[0, NO_MONEY]]
    assert told(of, "day", [HOUR], [1], ("office", "9")) == [[NO_MONEY, NO_MONEY]]
    assert told(of, "day", [HOUR], [1], ("corridor", "red")) == [[NO_MONEY, NO_MONEY]]
    assert told(of, "day", [], []) == []


def test_the_forecast_goes_by_the_declarations_that_are_expected_by_now(tmp_path):
    hours = np.zeros(168)
    hours[8:18], hours[24 + 8 : 24 + 18] = 10.0, 30.0
    of = prospect(tmp_path, ",2026-11-23,5\n", hours)
    elapsed = [8 * HOUR, 8 * HOUR + HOUR // 2, 9 * HOUR, 13 * HOUR, 24 * HOUR]
    assert told(of, "day", elapsed, [3, 100, 100, 100, 100]) == [
        [500, NO_MONEY],  # nothing is expected before eight
        [500, 2000],
        [500, 1000],
        [500, 200],
        [500, 100],
    ]
    assert told(of, "week", [24 * HOUR, 48 * HOUR], [100, 400]) == [[500, 400], [500, 400]]
    assert told(of, "day", [13 * HOUR], [100], ("office", "1")) == [[NO_MONEY, NO_MONEY]]


def test_the_norms_in_force_when_a_window_begins_make_its_forecast(tmp_path):
    early, late = np.zeros(168), np.zeros(168)
    early[[0, 12]], late[[0, 12]] = (1.0, 1.0), (1.0, 3.0)
    plan = PaymentPlan.load(written(tmp_path, HEAD + ",2026-11-23,5\n"))
    norms = [PictureNorms(counts={("service", "all"): np.stack([e, np.ones(168)])}) for e in (early, late)]
    assert told(Prospect(plan, ((0, norms[0]), (MONDAY, norms[1]))), "day", [HOUR], [100]) == [[500, 400]]
    assert told(Prospect(plan, ((0, norms[0]), (MONDAY + 1, norms[1]))), "day", [HOUR], [100]) == [[500, 200]]
    assert told(Prospect(plan, ((MONDAY + 1, norms[0]),)), "day", [HOUR], [100]) == [[500, 200]]
