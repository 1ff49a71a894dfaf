"""What months bring: found where the years agree, left alone where there is one year, a trend or nothing but noise."""

import math
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from corridor.features import Columns, month_of_year
from corridor.history import History
from corridor.rulebook.load import load
from corridor.rulebook.norms import MONTHS, NormTable
from corridor.rulebook.sample import sample_path
from corridor.study import seasons
from corridor.study.material import Material, gather
from corridor.study.norms import norms
from corridor.study.seasons import YEAR_US, by_month, effects, moments
from tests.study.service import declaration, item, write

END = int(np.datetime64("2026-11-01T00:00", "us").astype(np.int64))


def goods(seed: int, years: float, per_month: int, turn: float = 0.0, trend: float = 0.0) -> pl.DataFrame:
    """One cell's items: lognormal prices that turn as a sine over the year and rise by `trend` a year."""
    rng = np.random.default_rng(seed)
    n = int(12 * years * per_month)
    at = END - 1 - (rng.uniform(0, years, n) * YEAR_US).astype(np.int64)
    frame = moments(at, END)
    month = frame["month"].to_numpy()
    x = np.exp(rng.normal(3.0, 0.35, n) - trend * frame["age"].to_numpy()) * (1 + turn * sine(month))
    return frame.with_columns(hs6=pl.lit(7), x=pl.Series(x))


def sine(month: Any) -> Any:
    return np.sin(2 * np.pi * np.asarray(month) / 12)


def told(frame: pl.DataFrame, whole: int) -> dict[int, float]:
    return {row["month"]: row["effect"] for row in effects(frame, ["hs6"], whole).iter_rows(named=True)}


@pytest.mark.parametrize("trend", [0.0, 0.2])
def test_a_turn_that_comes_back_every_year_is_found(trend: float) -> None:
    """The median year of a sine of 40 % has another level than its mean, so the shape is compared."""
    found = told(goods(1, 3.0, 60, turn=0.4, trend=trend), 3)
    assert sorted(found) == list(range(1, 13))
    got = np.array([found[k] for k in range(1, 13)])
    want = np.log(1 + 0.4 * sine(np.arange(1, 13)))
    assert np.abs((got - np.median(got)) - (want - np.median(want))).max() < 0.13
    assert got.max() - got.min() > 0.75 * (want.max() - want.min())


def test_chance_and_a_trend_bring_nothing_or_next_to_it() -> None:
    largest = []
    for seed in range(40):
        for trend in (0.0, 0.3):
            largest.append(max(map(abs, told(goods(seed, 2.5, 20, trend=trend), 2).values()), default=0.0))
    assert np.mean(np.array(largest) == 0.0) > 0.85
    assert max(largest) < 0.2


def test_one_year_says_nothing_of_months() -> None:
    assert told(goods(1, 1.9, 200, turn=0.4), seasons.years((END - int(1.9 * YEAR_US), END))) == {}
    assert told(goods(1, 1.9, 200, turn=0.4), 2) != {}


def test_a_month_with_too_few_items_has_no_effect() -> None:
    frame = goods(1, 2.0, 60, turn=0.4)
    rare = frame.filter((pl.col("month") != 4) | (pl.int_range(pl.len()).over("month", "year") < 9))
    found = told(rare, 2)
    assert 4 not in found
    assert 10 in found
    row = by_month(effects(rare, ["hs6"], 2), ["hs6"]).row(0, named=True)
    assert row["month_04"] == 0.0
    assert [row[name] for k, name in enumerate(MONTHS, 1) if k != 4] == [found[k] for k in found]


def test_goods_that_never_differ_have_no_months() -> None:
    """As the weight a piece of standard packs: what others foretell is then 0 of 0."""
    assert told(goods(1, 2.0, 60).with_columns(x=pl.lit(1.0)), 2) == {}


def test_a_turn_of_one_year_only_is_not_believed() -> None:
    frame = goods(3, 2.0, 60)
    once = (
        pl.when(pl.col("year") == 0).then(1 + 0.4 * (2 * math.pi * pl.col("month") / 12).sin()).otherwise(1.0)
    )
    assert max(map(abs, told(frame.with_columns(x=pl.col("x") * once), 2).values()), default=0.0) < 0.1


def material(folder: Path, turn: float) -> Material:
    """Three years of one kind of goods whose price a kilogram turns with the months."""
    rng, records = np.random.default_rng(6), []
    for k in range(2_400):
        moment = datetime(2023, 11, 1, 8, tzinfo=UTC) + timedelta(days=1096 * k / 2_400)
        price = float(np.exp(rng.normal(2.0, 0.15))) * (1 + turn * float(sine(moment.month)))
        goods = item(
            hs_code="0810100000", customs_value=round(10 * price, 2), net_mass_kg=10.0, quantity=None
        )
        records.append(declaration(f"D{k}", f"{moment:%Y-%m-%dT%H:%M:%SZ}", items=[goods]))
    write(folder / "declarations" / "1.ndjson", records)
    write(folder / "results" / "1.ndjson", [])
    return gather(folder / "declarations", folder / "results")


def flagged(made: Material, table: pa.Table, folder: Path) -> tuple[float, float]:
    """The share of items below the fifth percentile of their norm: of those of August to October, and of the others."""
    pq.write_table(table, folder / "norms.parquet")
    book = replace(load(sample_path()), norms=NormTable.load(folder / "norms.parquet"))
    columns = Columns(made.batch, History.none(len(made.batch)), book)
    low = columns.number("norm.value_per_kg_band") < 2
    cheap = np.isin(month_of_year(made.batch.heads["registered_at"]), [7, 8, 9])
    return float(low[cheap].mean()), float(low[~cheap].mean())


def test_cheap_months_are_no_longer_flagged_and_dear_ones_are_seen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = material(tmp_path, 0.4)
    table = norms(made, 30)
    assert set(MONTHS) <= set(table.column_names)
    assert flagged(made, table, tmp_path) == pytest.approx((0.05, 0.05), abs=0.02)
    monkeypatch.setattr(seasons, "LEAST_YEARS", 99)
    blind = norms(made, 30)
    cheap, others = flagged(made, blind, tmp_path)
    assert cheap > 0.15
    assert others < 0.03
    sharp, blunt, flat = (
        cell["mad"][0].as_py() for cell in (table, blind, norms(material(tmp_path / "flat", 0.0), 30))
    )
    assert sharp == pytest.approx(flat, rel=0.1)  # as sharp as of goods without a turn
    assert blunt > 1.5 * flat


def test_a_history_without_a_turn_gives_the_norms_that_it_gave(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = material(tmp_path, 0.0)
    table = norms(made, 30)
    monkeypatch.setattr(seasons, "LEAST_YEARS", 99)
    assert table.equals(norms(made, 30))
