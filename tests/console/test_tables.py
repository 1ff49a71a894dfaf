import csv
import io

import pytest
from hypothesis import given
from hypothesis import strategies as st

from corridor.console import tables
from corridor.console.snapshot import View, snapshot
from corridor.console.state import State
from tests.console.material import FORMULA, HOSTILE, anomaly, at, encoded, made
from tests.console.messages import as_messages


def rows_of(data: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(data.decode("utf-8-sig"), newline="")))


@given(st.text(max_size=30))
def test_no_text_is_a_formula_or_breaks_its_line(text):
    ((shown, beside),) = rows_of(tables.written([[text, 5]]))
    assert not shown.lstrip().startswith(("=", "+", "-", "@"))
    assert beside == "5"
    if text.isalnum():
        assert shown == text


def test_numbers_stay_numbers():
    assert rows_of(tables.written([[-5, 1.25, None, True]])) == [["-5", "1.25", "", "True"]]


@pytest.fixture(scope="module")
def sections():
    material = made(offices=5, many=300, hostile=True)
    state = State("here", upsert=False, keep=False)
    state.take(as_messages("picture", material.lines(at(1440))))
    state.take(as_messages("anomalies", [encoded(anomaly(FORMULA))]))
    return snapshot(state, View(), 0)


def test_every_table_says_what_is_shown(sections):
    offices = {row[0]: row for row in rows_of(tables.table("offices", sections))}
    assert int(offices[HOSTILE][1]) == sections["offices"][HOSTILE]["declarations"]
    assert f"'{FORMULA}" in offices
    assert FORMULA not in offices
    curve = rows_of(tables.table("curve", sections))
    assert curve[0] == ["hour", "declarations", "expected", "low", "high"]
    assert sum(int(row[1]) for row in curve[1:] if row[1]) == sections["glance"]["declarations"]
    glance = dict(rows_of(tables.table("glance", sections)))
    assert float(glance["customs_value"]) == sections["glance"]["customs_value"]
    assert rows_of(tables.table("anomalies", sections))[1][1] == f"'{FORMULA}"


def test_every_table_can_be_had_of_nothing():
    nothing = snapshot(State("here", upsert=False, keep=False), View(), 0)
    for name in tables.TABLES:
        assert tables.table(name, nothing).startswith(b"\xef\xbb\xbf")
