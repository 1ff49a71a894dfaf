"""Which norms moved most from one rulebook to another."""

import math
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import polars as pl

from corridor.rulebook.norms import MAD_FLOOR, MAD_TO_DEVIATION

KEYS: Final = ("measure", "level", "hs", "origin", "unit")
CERTAIN: Final = 3.0
"""A median has moved where it did so by this many standard errors of the difference."""
_MEDIAN_ERROR: Final = math.sqrt(math.pi / 2)
"""Standard error of a median by that of a mean, of a normal sample."""
_TOLD: Final = 15


@dataclass(frozen=True, slots=True)
class NormMove:
    """A cell whose median moved: by which factor, in how many standard errors, on how many items then and now."""

    cell: str
    factor: float
    errors: float
    items: tuple[int, int]


@dataclass(frozen=True, slots=True)
class NormMoves:
    """Cells in both rulebooks, those that are new and gone, those that moved, and of these the farthest."""

    cells: int
    new: int
    gone: int
    moved: int
    farthest: tuple[NormMove, ...]


def norm_moves(old: Path, new: Path) -> NormMoves | None:
    """Compare the norms.parquet of two rulebook folders; None where one has none."""
    paths = old / "norms.parquet", new / "norms.parquet"
    if not all(path.is_file() for path in paths):
        return None
    then, now = (pl.read_parquet(path, columns=[*KEYS, "n", "median", "mad"]) for path in paths)
    then = then.cast({"level": pl.Int8})
    now = now.cast({"level": pl.Int8})
    both = then.join(now, on=list(KEYS), how="full", suffix="_now", nulls_equal=True, coalesce=True)
    kept = both.filter(pl.col("median").is_not_null() & pl.col("median_now").is_not_null())
    error = (_variance("mad", "n") + _variance("mad_now", "n_now")).sqrt()
    kept = kept.with_columns(step=pl.col("median_now") - pl.col("median"), error=error)
    moved = kept.filter(pl.col("step").abs() >= CERTAIN * pl.col("error"))
    ranked = moved.sort(pl.col("step").abs(), *KEYS, descending=[True, *[False] * len(KEYS)]).head(_TOLD)
    return NormMoves(
        cells=kept.height,
        new=int(both["median"].null_count()),
        gone=int(both["median_now"].null_count()),
        moved=moved.height,
        farthest=tuple(
            NormMove(
                cell=" ".join(str(row[key]) for key in ("measure", "hs", "origin", "unit") if row[key]),
                factor=math.exp(row["step"]),
                errors=row["step"] / row["error"],
                items=(int(row["n"]), int(row["n_now"])),
            )
            for row in ranked.iter_rows(named=True)
        ),
    )


def _variance(mad: str, n: str) -> pl.Expr:
    scale = MAD_TO_DEVIATION * pl.max_horizontal(pl.col(mad), pl.lit(MAD_FLOOR))
    return (_MEDIAN_ERROR * scale) ** 2 / pl.col(n)
