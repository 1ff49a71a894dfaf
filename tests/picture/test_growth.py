"""Growth against the same day a week and a year before, from rows as files and as topics hold them."""

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from corridor.messages.picture import PictureRow
from corridor.picture.growth import Past, declarations, growth, payments

HOUR = 3_600_000_000
DAY = 24 * HOUR


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()) * 1_000_000


def row(start: str, end: str, count: int, dimension="service", value="all", period="day") -> PictureRow:
    return PictureRow(
        at(start), at(end), period, dimension, value, count, count, 0, 0, 2 * count, count, (count, 0, 0, 0)
    )


def hours(day: str, counts: dict[int, int], office: str = "") -> list[PictureRow]:
    of = ("office_hour", f"{office}/") if office else ("hour", "")
    return [
        row(day, f"{day}T23:50", count, of[0], f"{of[1]}{day}T{hour:02d}") for hour, count in counts.items()
    ]


NOW = row("2026-11-24", "2026-11-24T09:30", 66)


def test_of_files_the_row_of_the_same_minute_a_week_and_a_year_before_counts():
    older = [
        row("2026-11-17", "2026-11-17T08:00", 20),
        row("2026-11-17", "2026-11-17T09:29", 60),
        row("2026-11-17", "2026-11-17T09:31", 1000),
        row("2025-11-25", "2025-11-25T09:30", 132),
    ]
    for rows in (older, older[::-1]):
        found = growth(NOW, Past(rows, rolling=True))
        assert (round(found.week, 9), found.year) == (0.1, -0.5)


def test_of_a_topic_the_hours_tell_how_far_the_day_was():
    older = [row("2026-11-17", "2026-11-17T23:50", 500), *hours("2026-11-17", {7: 10, 8: 20, 9: 60, 10: 410})]
    assert growth(NOW, Past(older, rolling=False)).week == pytest.approx(66 / 60 - 1)
    office = replace(NOW, dimension="office", value="1")
    office_rows = [
        row("2026-11-17", "2026-11-17T23:50", 90, "office", "1"),
        *hours("2026-11-17", {8: 33, 9: 66}, "1"),
    ]
    assert growth(office, Past([*older, *office_rows], rolling=False)).week == 0.0
    corridor = replace(NOW, dimension="corridor", value="red")
    assert growth(corridor, Past(older, rolling=False)).week is None
    whole = replace(corridor, window_end=NOW.window_start + DAY)
    red = row("2026-11-17", "2026-11-17T20:00", 33, "corridor", "red")
    assert growth(whole, Past([*older, red], rolling=False)).week == 1.0


def test_a_week_is_its_days_so_far():
    now = row("2026-11-23", "2026-11-24T12:00", 90, period="week")
    monday, tuesday = row("2026-11-16", "2026-11-16T21:00", 40), row("2026-11-17", "2026-11-17T21:00", 80)
    topic = [monday, tuesday, *hours("2026-11-17", {9: 5, 15: 75})]
    assert growth(now, Past(topic, rolling=False)).week == 1.0
    files = [monday, row("2026-11-16", "2026-11-17T11:00", 60, period="week")]
    assert growth(now, Past(files, rolling=True)).week == 0.5
    assert growth(now, Past(topic[1:], rolling=False)).week is None, "history begins within that week"


def test_without_history_there_is_no_growth_and_nothing_grows_from_nothing():
    assert growth(NOW, Past([], rolling=True)) == growth(NOW, Past([NOW], rolling=False))
    assert growth(NOW, Past([], rolling=True)).week is None
    holiday = [row("2026-11-10", "2026-11-10T09:00", 9)]
    assert growth(NOW, Past(holiday, rolling=True)).week is None
    assert growth(NOW, Past(holiday, rolling=False)).week is None


def test_payments_may_be_measured_as_declarations_are():
    older = Past([row("2026-11-17", "2026-11-17T09:00", 33)], rolling=True)
    assert growth(NOW, older, payments) == growth(NOW, older, declarations)
    assert payments(NOW) == 198
