"""features.parquet: how each feature is spread over a history's goods items, and how far that has moved since.

The population stability index is sum (q - p) ln(q / p) over bins, p the shares then and q the shares now
(Siddiqi, Credit Risk Scorecards, 2006): below 0.1 little has changed, above 0.25 much. Numbers are binned at
the deciles of the earlier history, codes by those that were commonest in it; what is missing is a bin of its
own.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.features import Columns, assess_quality
from corridor.history import History
from corridor.messages.columns import Array
from corridor.messages.tokens import hs_token, token
from corridor.rulebook.book import Rulebook
from corridor.rulebook.fields import FIELDS
from corridor.study.encode import CODES
from corridor.study.material import Material, code_text

NAME: Final = "features.parquet"
MOST: Final = 20_000
"""Declarations that are looked at, evenly over the history."""
BINS: Final = 10
CODES_NAMED: Final = 20
LEAST_SHARE: Final = 1e-4
"""An empty bin counts as so much, so that its logarithm is finite."""
SOME, MUCH = 0.1, 0.25
"""Indices from which a feature has moved somewhat, and much."""
_COLUMNS: Final = {
    "feature": pl.String,
    "bin": pl.String,
    "low": pl.Float64,
    "high": pl.Float64,
    "code": pl.String,
    "share": pl.Float64,
    "items": pl.Int64,
}


@dataclass(frozen=True, slots=True)
class Drift:
    """One feature's population stability index, and its bins: label, share then, share now."""

    feature: str
    index: float
    bins: tuple[tuple[str, float, float], ...]


@dataclass(frozen=True)
class Population:
    """Goods items of a history's standing originals, taken evenly, with their fields under a rulebook."""

    columns: Columns
    features: tuple[str, ...]
    material: Material

    @classmethod
    def of(
        cls, material: Material, history: History, rulebook: Rulebook, features: tuple[str, ...]
    ) -> "Population":
        """At most MOST declarations of `material`; `features` as models name them."""
        rows = np.flatnonzero(material.original)
        rows = rows[:: max(1, -(-len(rows) // MOST))]
        columns = Columns(material.batch.take(rows), history.take(rows), rulebook)
        assess_quality(columns)
        return cls(columns, features, material)

    def spread(self) -> pl.DataFrame:
        """The rows of features.parquet: each feature's bins (range, code, other, missing) with their shares."""
        rows = [
            {"feature": name, **one, "items": len(self.columns.batch.items)}
            for name in self.features
            for one in (self._codes(name) if name in CODES else self._ranges(name))
        ]
        return pl.DataFrame(rows, schema=_COLUMNS)

    def drift(self, earlier: pl.DataFrame) -> list[Drift]:
        """How far each feature moved from `earlier` (as `spread` gives it), the farthest first."""
        parts = {str(name): part for (name,), part in earlier.group_by("feature", maintain_order=True)}
        found = [self._moved(name, parts[name]) for name in self.features if name in parts]
        return sorted(found, key=lambda drift: -drift.index)

    def _values(self, name: str) -> Array:
        if name in CODES:
            return self.columns.code(CODES[name])
        return self.columns.matrix([name])[:, 0]

    def _ranges(self, name: str) -> Iterator[dict[str, Any]]:
        x = self._values(name)
        known = x[np.isfinite(x)]
        cuts = np.unique(np.quantile(known, np.arange(1, BINS) / BINS)) if len(known) else np.zeros(0)
        edges = [-np.inf, *cuts.tolist(), np.inf]
        for low, high, share in zip(edges[:-1], edges[1:], _in_ranges(x, cuts).tolist(), strict=True):
            yield {"bin": "range", "low": low, "high": high, "share": share}
        yield {"bin": "missing", "share": float(np.isnan(x).mean()) if len(x) else 0.0}

    def _codes(self, name: str) -> Iterator[dict[str, Any]]:
        codes, counts = np.unique(self._values(name), return_counts=True)
        kind, n = FIELDS[CODES[name]].kind, max(int(counts.sum()), 1)
        known = codes != 0
        order = np.argsort(-counts[known], kind="stable")
        texts = ((code_text(self.material.reading, int(codes[known][i]), kind), i) for i in order)
        named = [(text, int(counts[known][i])) for text, i in texts if text][:CODES_NAMED]
        for text, count in named:
            yield {"bin": "code", "code": text, "share": count / n}
        missing = int(counts[~known].sum())
        yield {"bin": "other", "share": (n - missing - sum(count for _, count in named)) / n}
        yield {"bin": "missing", "share": missing / n}

    def _moved(self, name: str, then: pl.DataFrame) -> Drift:
        kinds, x = then["bin"].to_list(), self._values(name)
        was = then["share"].to_numpy()
        if name in CODES:
            of = hs_token if FIELDS[CODES[name]].kind == "hs" else token
            texts = then.filter(pl.col("bin") == "code")["code"].to_list()
            shares = [float((x == of(text)).mean()) for text in texts]
            missing = float((x == 0).mean())
            now = np.array([*shares, 1.0 - missing - sum(shares), missing])
            labels = [*texts, "other", "missing"]
        else:
            ranges = then.filter(pl.col("bin") == "range")
            cuts = ranges["low"].to_numpy()[1:]
            now = np.array([*_in_ranges(x, cuts), float(np.isnan(x).mean())])
            labels = [*(f"up to {high:.4g}" for high in ranges["high"].to_list()[:-1]), "above", "missing"]
        assert len(now) == len(was) == len(kinds), name
        bins = tuple(zip(labels, was.tolist(), now.tolist(), strict=True))
        return Drift(name, stability_index(was, now), bins)


def stability_index(then: Array, now: Array) -> float:
    """The population stability index of two float64[k] of shares; each counts as LEAST_SHARE at least."""
    p, q = np.maximum(then, LEAST_SHARE), np.maximum(now, LEAST_SHARE)
    return float(((q - p) * np.log(q / p)).sum())


def read_spread(folder: Path) -> pl.DataFrame | None:
    """features.parquet of a rulebook; None if it has none. Raises RulebookError for one that is of no use."""
    path = folder / NAME
    if not path.is_file():
        return None
    try:
        table = pl.from_arrow(pq.read_table(path))
        assert isinstance(table, pl.DataFrame)
        return table.select([pl.col(name).cast(kind) for name, kind in _COLUMNS.items()])
    except (OSError, ValueError, pl.exceptions.PolarsError) as error:
        raise RulebookError(f"{path}: not as a fit writes it ({error}); fit that rulebook again") from error


def _in_ranges(x: Array, cuts: Array) -> NDArray[np.float64]:
    """float64[len(cuts) + 1]: shares of x up to each cut and above the last; of all, so that missing has its part."""
    known = x[~np.isnan(x)]
    places = np.searchsorted(cuts, known, side="left")
    return np.bincount(places, minlength=len(cuts) + 1) / max(len(x), 1)
