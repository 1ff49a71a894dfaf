"""The operator that paints a stream's picture, its state kept by plain containers: no cluster needed.

With Flink's own state, timers and recovery it runs in tests/kafka/test_stream.py and tests/cluster.
"""

import json
from types import SimpleNamespace

import numpy as np
import pandas as pd
import pytest

from corridor.flink.painting import PackLosses, Painter, place
from corridor.picture.changes import DAY, Changes
from corridor.picture.standing import parts, place_of
from corridor.picture.times import WIDTH

MONDAY = 20_780  # 2026-11-23


class Held(list):
    """A list as Flink's ListState."""

    add = list.append
    get = list.copy


class Kept(dict):
    """A dictionary as Flink's MapState."""

    put = dict.__setitem__


class Context:
    """Stands for both contexts of one key."""

    def __init__(self):
        self.lists, self.maps = {}, {}
        self.processing, self.event = set(), set()

    def get_list_state(self, descriptor):
        return self.lists.setdefault(descriptor.name, Held())

    def get_map_state(self, descriptor):
        return self.maps.setdefault(descriptor.name, Kept())

    def timer_service(self):
        return SimpleNamespace(
            current_processing_time=lambda: 1_234,
            register_processing_time_timer=self.processing.add,
            register_event_time_timer=self.event.add,
        )


def opened(context, known=True):
    painter = Painter(known, None)
    painter.open(context)
    return painter


def given(painter, context, *packed):
    for part in packed:
        assert painter.process_element((part,), context) is None
    return [tuple(row) for row in painter.on_timer(0, context)]


def packed(kind, day, cells, declarations, minute=7):
    sums = np.zeros((len(cells), WIDTH if kind == "timed" else 12), np.int64)
    sums[:, 0] = declarations
    moments = np.full(len(cells), day * DAY + minute)
    (part,) = parts({kind: Changes(moments, list(cells), sums)})
    return part.pack()


def told(rows):
    return {(row[0], row[1], row[2]): json.loads(row[3])["declarations"] for row in rows}


def test_a_cell_is_told_once_for_all_that_came_by_day_and_by_week():
    context = Context()
    painter = opened(context)
    some = (packed("timed", MONDAY + i, ["service:all"], 2 + i) for i in (0, 0, 1))
    rows = given(painter, context, *some)
    week, tuesday = MONDAY * DAY, (MONDAY + 1) * DAY
    assert told(rows) == {
        ("week", week, "service:all"): 7,
        ("day", week, "service:all"): 4,
        ("day", tuesday, "service:all"): 3,
    }
    assert len(rows) == 3
    assert (context.processing, context.event) == ({2_000}, {253_402_300_799_000})


def test_only_what_changed_is_told_and_the_rest_is_kept_over_a_restart():
    context = Context()
    given(opened(context), context, packed("parts", MONDAY, ["direction:import", "direction:export"], 5))
    rows = given(opened(context), context, packed("parts", MONDAY, ["direction:export"], -2))
    assert told(rows) == {
        ("week", MONDAY * DAY, "direction:export"): 3,
        ("day", MONDAY * DAY, "direction:export"): 3,
    }
    assert given(opened(context), context) == []


def test_cells_of_a_day_alone_have_no_week_and_come_less_often():
    context = Context()
    rows = given(opened(context), context, packed("goods", MONDAY, ["origin_chapter:CN/87"], 1))
    assert list(told(rows)) == [("day", MONDAY * DAY, "origin_chapter:CN/87")]
    assert context.processing == {5_000}
    assert (list(context.maps["days"]), list(context.maps["windows"])) == ([MONDAY], [])


@pytest.mark.parametrize("known", [True, False])
def test_losses_join_the_service_and_are_told_where_they_are_known(known):
    context = Context()
    pack = PackLosses()
    pack.open(None)
    minutes = [MONDAY * DAY, MONDAY * DAY + 1, (MONDAY + 7) * DAY]
    first, *others = pack.eval(*(pd.Series(column) for column in (minutes, [1, 0, 1], [0, 2, 0]))).tolist()
    assert others == [None, None]
    assert len({place((part,)) for part in first}) == 2
    assert [place((part,)) for part in first] == [place_of(part) for part in first]
    ((*_, cell, payload), *_) = given(opened(context, known), context, first[0])
    assert cell == "service:all"
    document = json.loads(payload)
    assert (document["rejected"], document["duplicates"]) == ((1, 2) if known else (None, None))


def test_what_is_taken_back_before_it_came_is_never_below_zero():
    context = Context()
    rows = given(opened(context), context, packed("timed", MONDAY, ["office:1"], -1))
    assert set(told(rows).values()) == {0}
    rows = given(opened(context), context, packed("timed", MONDAY, ["office:1"], 3))
    assert set(told(rows).values()) == {2}
