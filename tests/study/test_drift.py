"""How features are spread, and how far they moved."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from corridor.errors import RulebookError
from corridor.rulebook.load import load
from corridor.rulebook.sample import sample_path
from corridor.study.drift import LEAST_SHARE, NAME, Population, read_spread, stability_index
from corridor.study.history import histories
from corridor.study.material import gather
from corridor.study.norm_moves import norm_moves
from tests.study.service import declaration, item, write

FEATURES = ("item.customs_value", "item.quantity", "code.origin_country", "code.hs4", "quality.hs_malformed")


def population(folder: Path, value: float, origins: list[str], n: int = 400) -> Population:
    rng = np.random.default_rng(1)
    records = []
    for k in range(n):
        goods = item(
            customs_value=round(float(rng.lognormal(value, 1)), 2),
            origin_country=origins[k % len(origins)],
            quantity=None if k % 4 == 0 else 5,
        )
        records.append(declaration(f"D{k}", f"2026-11-{2 + k % 5:02d}T08:00:00Z", items=[goods]))
    write(folder / "declarations" / "1.ndjson", records)
    write(folder / "results" / "1.ndjson", [])
    material = gather(folder / "declarations", folder / "results")
    lived = histories(material.batch, [], material.lines)
    return Population.of(material, lived, load(sample_path()), FEATURES)


def test_the_index_by_hand() -> None:
    assert stability_index(np.array([0.5, 0.5]), np.array([0.5, 0.5])) == 0
    wanted = 0.3 * np.log(0.8 / 0.5) + -0.3 * np.log(0.2 / 0.5)
    assert stability_index(np.array([0.5, 0.5]), np.array([0.8, 0.2])) == pytest.approx(wanted)
    assert stability_index(np.array([1.0, 0.0]), np.array([0.0, 1.0])) == pytest.approx(
        2 * (1 - LEAST_SHARE) * np.log(1 / LEAST_SHARE)
    )


def test_shares_are_of_all_items_and_nothing_moved_against_oneself(tmp_path: Path) -> None:
    found = population(tmp_path, 8.0, ["CN", "DE", ""])
    spread = found.spread()
    sums = spread.group_by("feature").agg(pl.col("share").sum())
    assert sums["share"].to_list() == pytest.approx([1.0] * len(FEATURES))
    origins = spread.filter((pl.col("feature") == "code.origin_country") & (pl.col("bin") == "code"))
    assert origins["code"].to_list() == ["CN", "DE"]
    missing = dict(spread.filter(pl.col("bin") == "missing").select("feature", "share").iter_rows())
    assert missing["code.origin_country"] == pytest.approx(133 / 400)
    assert missing["item.quantity"] == pytest.approx(0.25)
    assert [drift.index for drift in found.drift(spread)] == [0.0] * len(FEATURES)


def test_what_moved_comes_first(tmp_path: Path) -> None:
    then = population(tmp_path / "then", 8.0, ["CN", "DE"]).spread()
    now = population(tmp_path / "now", 9.5, ["CN", "CN", "CN", "TR"]).drift(then)
    index = {drift.feature: drift.index for drift in now}
    assert [drift.feature for drift in now[:2]] == ["code.origin_country", "item.customs_value"]
    assert min(drift.index for drift in now[:2]) > 0.25
    assert index["item.quantity"] == 0
    origins = next(drift.bins for drift in now if drift.feature == "code.origin_country")
    assert origins == (("CN", 0.5, 0.75), ("DE", 0.5, 0.0), ("other", 0.0, 0.25), ("missing", 0.0, 0.0))


def test_features_that_only_one_of_them_has_are_left_out(tmp_path: Path) -> None:
    found = population(tmp_path, 8.0, ["CN"])
    then = found.spread().filter(pl.col("feature") != "item.quantity")
    assert {drift.feature for drift in found.drift(then)} == set(FEATURES) - {"item.quantity"}
    assert replace(found, features=FEATURES[:1]).drift(then)[0].feature == FEATURES[0]


def test_a_rulebook_without_or_with_a_broken_file(tmp_path: Path) -> None:
    assert read_spread(tmp_path) is None
    (tmp_path / NAME).write_bytes(b"PAR1 not really")
    with pytest.raises(RulebookError, match=r"features\.parquet"):
        read_spread(tmp_path)
    pl.DataFrame({"feature": ["x"]}).write_parquet(tmp_path / NAME)
    with pytest.raises(RulebookError, match=r"features\.parquet"):
        read_spread(tmp_path)


def cells(folder: Path, medians: dict[str, tuple[float, int]]) -> Path:
    folder.mkdir()
    rows = [
        {
            "measure": "value_per_kg",
            "level": 2,
            "hs": hs,
            "origin": None,
            "unit": None,
            "n": n,
            "median": m,
            "mad": 0.3,
        }
        for hs, (m, n) in medians.items()
    ]
    kinds = {"origin": pl.String, "unit": pl.String, "level": pl.Int8}
    pl.DataFrame(rows, schema_overrides=kinds).write_parquet(folder / "norms.parquet")
    return folder


def test_norms_move_by_more_than_chance_or_not_at_all(tmp_path: Path) -> None:
    """A third more on 1,000 items is a move, on 30 items it is none; which came and went is counted."""
    old = cells(
        tmp_path / "old",
        {"100630": (1.0, 1000), "100640": (1.0, 30), "100650": (2.0, 500), "100660": (0.0, 50)},
    )
    step = np.log(4 / 3)
    new = cells(
        tmp_path / "new",
        {
            "100630": (1.0 + step, 1000),
            "100640": (1.0 + step, 30),
            "100650": (2.0 - 2 * step, 500),
            "100670": (0.0, 50),
        },
    )
    found = norm_moves(old, new)
    assert found is not None
    assert (found.cells, found.new, found.gone, found.moved) == (3, 1, 1, 2)
    assert [move.cell for move in found.farthest] == ["value_per_kg 100650", "value_per_kg 100630"]
    assert found.farthest[1].factor == pytest.approx(4 / 3)
    error = 1.2533 * 1.4826 * 0.3 * np.sqrt(2 / 1000)
    assert found.farthest[1].errors == pytest.approx(step / error, rel=1e-3)
    assert norm_moves(tmp_path, new) is None
