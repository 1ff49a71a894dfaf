"""The end of a run over files: hourly totals of the table `hours` through the picture's detector."""

from pathlib import Path

import polars as pl

from corridor.messages.anomaly import encode
from corridor.picture.changes import SEPARATOR
from corridor.picture.detector import detect
from corridor.picture.hourly import COUNTS, HOUR, Hourly
from corridor.picture.norms import PictureNorms
from corridor.rulebook.load import Shelf

NORMS = "picture.parquet"
"""The norms of the picture, without which its detector finds nothing."""


def hourly_of(rows: Path) -> Hourly:
    """Hourly totals from the rows that the job wrote: one for each importer and hour, so not row by row."""
    parts = [path for path in sorted(rows.rglob("*")) if path.is_file() and path.stat().st_size]
    schema = {"moment": pl.Int64, "cell": pl.String} | dict.fromkeys(COUNTS, pl.Int64)
    table = pl.concat([pl.DataFrame(schema=schema), *(pl.read_ndjson(path, schema=schema) for path in parts)])
    cells = table["cell"].str.splitn(SEPARATOR, 2).struct
    counts: dict[str, object] = {name: table[name].to_numpy() for name in COUNTS}
    return Hourly.of(
        table["moment"].to_numpy() * HOUR,
        cells.field("field_0").to_numpy(),
        cells.field("field_1").to_numpy(),
        counts,
    )


def write_anomalies(rows: Path, shelf: Shelf, into: Path) -> int:
    """Write what left its norm as a further file of `into`; how many anomalies.

    Of the rulebooks with norms of the picture the one in force at the last hour serves.
    """
    totals = hourly_of(rows)
    if not len(totals.hour):
        return 0
    book, folder = shelf.holding(NORMS, int(totals.hour.max()))
    norms = PictureNorms.load(folder)
    found = detect(totals, norms, book.participants, book.version)
    if found:
        into.mkdir(parents=True, exist_ok=True)
        (into / "picture.ndjson").write_bytes(b"".join(encode(anomaly) + b"\n" for anomaly in found))
    return len(found)
