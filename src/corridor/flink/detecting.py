"""The end of a run over files: hourly totals of the table `hours` through the picture's detector."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from corridor.messages.anomaly import encode
from corridor.picture.detector import detect
from corridor.picture.hourly import COUNTS, HOUR, Hourly
from corridor.picture.norms import PictureNorms
from corridor.rulebook.load import Shelf, load


def hourly_of(rows: Path) -> Hourly:
    """Hourly totals from the rows that the job wrote: one for each importer and hour, so not row by row."""
    parts = [path for path in sorted(rows.rglob("*")) if path.is_file() and path.stat().st_size]
    schema = {"moment": pl.Int64, "cell": pl.String} | dict.fromkeys(COUNTS, pl.Int64)
    table = pl.concat([pl.DataFrame(schema=schema), *(pl.read_ndjson(path, schema=schema) for path in parts)])
    cells = table["cell"].str.splitn(":", 2).struct
    counts: dict[str, object] = {name: table[name].to_numpy() for name in COUNTS}
    return Hourly.of(
        table["moment"].to_numpy() * HOUR,
        cells.field("field_0").to_numpy(),
        cells.field("field_1").to_numpy(),
        counts,
    )


def write_anomalies(rows: Path, rulebooks: Sequence[Path], into: Path) -> int:
    """Write what left its norm as a further file of `into`; how many anomalies.

    rulebooks: folders with norms of the picture, of which the one in force at the last hour serves.
    """
    totals = hourly_of(rows)
    if not len(totals.hour):
        return 0
    books = {folder: load(folder) for folder in rulebooks}
    shelf = Shelf.of(*books.values())
    book = shelf.rulebooks[int(shelf.at(totals.hour.max(keepdims=True))[0])]
    folder = next(folder for folder, known in books.items() if known is book)
    found = detect(totals, PictureNorms.load(folder), book.participants, book.version)
    if found:
        into.mkdir(parents=True, exist_ok=True)
        (into / "picture.ndjson").write_bytes(b"".join(encode(anomaly) + b"\n" for anomaly in found))
    return len(found)
