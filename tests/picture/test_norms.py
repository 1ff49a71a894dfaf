import numpy as np
import pytest

from corridor.errors import RulebookError
from corridor.picture.hourly import HOUR, Hourly
from corridor.picture.norms import NAMES, PictureNorms, fit, hour_of_week, save
from tests.picture.material import MONDAY, World

WORLD = World(8)


@pytest.fixture(scope="module")
def table():
    return fit(WORLD.draw(MONDAY, 28, 3))


def test_expectations_are_near_what_the_world_means(table):
    norms, true = PictureNorms.of(table), WORLD.mean(MONDAY, 7)
    clock = MONDAY + np.arange(168) * HOUR
    learnt = np.array([norms.count("office", name, clock)[0] for name in WORLD.names])
    busy = true > 10
    assert np.median(np.abs(learnt / true - 1)[busy]) < 0.08
    assert abs(learnt[busy].sum() / true[busy].sum() - 1) < 0.03


def test_bands_hold_about_as_many_hours_as_they_say(table):
    norms = PictureNorms.of(table)
    week = WORLD.draw(MONDAY + 28 * 24 * HOUR, 7, 77)
    clock = MONDAY + 28 * 24 * HOUR + np.arange(168) * HOUR
    names, (x,) = week.grid("office", int(clock[0]), 168)
    band = np.array([norms.band("office", name, clock) for name in names])
    outside = (x < band[:, 1]) | (x > band[:, 2])
    assert outside.mean() < 0.03
    assert (x > band[:, 1]).any()
    small = band[:, 0] < 0.5
    assert (band[:, 1][small] == 0).all(), "a small count has no lower band"


def test_saved_norms_are_loaded_as_they_were_fitted(table, tmp_path):
    save(table, tmp_path)
    for path in (tmp_path, tmp_path / "picture.parquet"):
        loaded = PictureNorms.load(path)
        assert loaded.shares == PictureNorms.of(table).shares
        assert loaded.importers.keys() == {"day", "hour"}, "the material has no importers"
    assert PictureNorms.load(tmp_path / "nowhere").counts == {}
    assert table.column_names == list(NAMES)


def test_a_broken_file_is_refused_with_its_name(tmp_path):
    (tmp_path / "picture.parquet").write_bytes(b"PAR1 not really")
    with pytest.raises(RulebookError, match=r"picture\.parquet"):
        PictureNorms.load(tmp_path)


def test_no_history_is_refused_and_one_day_is_enough():
    with pytest.raises(RulebookError, match="at least one day"):
        fit(Hourly.of([], [], [], {}))
    norms = PictureNorms.of(fit(WORLD.draw(MONDAY, 1, 1)))
    weekend, weekday = MONDAY + 5 * 24 * HOUR, MONDAY + 24 * HOUR
    assert np.isnan(norms.count("office", WORLD.names[0], np.array([weekend]))[0]).all()
    assert np.isfinite(norms.count("office", WORLD.names[0], np.array([weekday]))[0]).all()


def test_a_category_never_seen_at_an_office_has_a_small_share(table):
    norms = PictureNorms.of(table)
    share = norms.share("office/origin_country", WORLD.names[0], "ZZ")
    assert 0 < share.expected < 0.01
    assert norms.share("office/origin_country", "nowhere", "ZZ").n == 0


def test_one_bad_day_in_history_moves_a_norm_little():
    def broken(mean):
        mean = mean.copy()
        mean[0, 24 * 8 : 24 * 9] *= 12
        return mean

    clock = MONDAY + 24 * HOUR + np.arange(24) * HOUR
    a, b = (PictureNorms.of(fit(WORLD.draw(MONDAY, 28, 3, c))) for c in (None, broken))
    calm, shaken = (n.count("office", WORLD.names[0], clock)[0].sum() for n in (a, b))
    assert shaken / calm < 1.15


def test_hours_of_the_week_begin_on_monday():
    assert hour_of_week(np.array([MONDAY, MONDAY + 25 * HOUR, MONDAY - HOUR])).tolist() == [0, 25, 167]
