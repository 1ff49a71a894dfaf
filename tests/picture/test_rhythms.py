"""Level and growth, holidays and the ends of months, how an hour fills: learned, and told by date."""

from datetime import date

import numpy as np
import pytest

from corridor.errors import InputError, RulebookError
from corridor.picture.calendar import HOLIDAY, MONTH_END, USUAL, check_country, day_classes
from corridor.picture.hourly import BIN, HOUR
from corridor.picture.norms import FORM, PictureNorms, fit
from tests.picture.material import MONDAY, World, totals

DAY = 24 * HOUR
WORLD = World(6)


def days_of(*dates):
    return np.array([when.toordinal() - date(1970, 1, 1).toordinal() for when in dates])


def test_days_have_classes_by_the_calendar_of_a_country():
    days = days_of(
        date(2026, 11, 4), date(2026, 11, 26), date(2026, 11, 27), date(2026, 11, 30), date(2026, 11, 28)
    )
    assert day_classes(days, "RU").tolist() == [HOLIDAY, USUAL, MONTH_END, MONTH_END, USUAL]
    assert day_classes(days[:1], "").tolist() == [USUAL]
    with pytest.raises(InputError, match="XX"):
        check_country("XX")


def test_a_holiday_is_expected_to_be_a_sunday():
    """2026-10-25 is Kazakhstan's day of the republic; the history holds it and is not misled."""

    def holiday(mean):
        at = (days_of(date(2026, 10, 26))[0] * DAY - MONDAY) // HOUR
        mean[:, at : at + 24] *= 0.28
        return mean

    history = WORLD.draw(MONDAY, 70, 4, holiday)
    norms = PictureNorms.of(fit(history, "KZ"))
    hours = lambda when: days_of(when)[0] * DAY + np.arange(24) * HOUR  # noqa: E731
    usual = norms.count("service", "all", hours(date(2026, 11, 2)))[0].sum()
    free = norms.count("service", "all", hours(date(2026, 12, 16)))[0].sum()
    sunday = norms.count("service", "all", hours(date(2026, 11, 15)))[0].sum()
    assert free == pytest.approx(sunday, rel=0.35)
    assert free < 0.5 * usual


def test_growth_is_read_where_it_is_clear_and_not_where_it_is_not():
    weeks = np.repeat(1.03 ** np.arange(10), 168)
    grown = PictureNorms.of(fit(WORLD.draw(MONDAY, 70, 6, lambda mean: mean * weeks)))
    still = PictureNorms.of(fit(WORLD.draw(MONDAY, 70, 6)))
    assert grown.rhythms["service", "all"].growth == pytest.approx(1.03, abs=0.012)
    assert still.rhythms["service", "all"].growth == pytest.approx(1.0, abs=0.005)
    after = MONDAY + 70 * DAY + np.arange(5 * 24) * HOUR
    true = WORLD.mean(MONDAY + 70 * DAY, 5)[:, : 5 * 24].sum() * 1.03**10
    assert grown.count("service", "all", after)[0].sum() == pytest.approx(true, rel=0.08)


def test_how_an_hour_fills_is_learned_from_bins():
    rng = np.random.default_rng(1)
    shape = np.repeat([0.0, 1.0, 1.0], 4)
    rows = [
        (
            "service",
            "all",
            rng.poisson(np.tile(np.repeat(np.repeat([0, 9, 0], 8), 12) * np.tile(shape, 24), 14)),
        )
    ]
    norms = PictureNorms.of(fit(totals(MONDAY, rows, BIN)))
    bins = MONDAY // BIN + np.arange(12 * 12, 13 * 12)
    mean = norms.bins("service", "all", bins)[0]
    assert mean[:3].max() < 0.25 * mean[6:].min()
    assert mean.sum() == pytest.approx(norms.count("service", "all", bins[:1] * BIN)[0][0])


@pytest.mark.parametrize(
    ("metadata", "words"),
    [
        ({"form": FORM, "alarms": "lots"}, "float"),
        ({"form": FORM, "country": "XX"}, "XX"),
        ({"form": FORM, "alarms": "0"}, "alarms"),
        ({"alarms": "0.05"}, "fit the picture's norms again"),
    ],
)
def test_settings_that_are_none_are_refused_with_the_file(metadata, words):
    table = fit(WORLD.draw(MONDAY, 7, 1))
    with pytest.raises(RulebookError, match=words) as told:
        PictureNorms.of(table.replace_schema_metadata(metadata))
    assert "picture.parquet" in str(told.value)


def test_alarms_and_country_are_kept_with_the_norms():
    norms = PictureNorms.of(fit(WORLD.draw(MONDAY, 7, 1), "KZ", 0.2))
    assert (norms.country, norms.alarms) == ("KZ", 0.2)
    with pytest.raises(InputError, match="alarms"):
        fit(WORLD.draw(MONDAY, 7, 1), alarms=0.0)
