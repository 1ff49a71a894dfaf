"""The end of a run over files: hourly totals of the table `hours` through the picture's detector."""

from pathlib import Path

from corridor.flink.summary import read_rows
from corridor.messages.anomaly import encode
from corridor.picture.detector import detect
from corridor.picture.hourly import COUNTS, PAIRS, Hourly
from corridor.picture.norms import PictureNorms
from corridor.rulebook.book import Rulebook

HOUR = 3_600_000_000
"""Microseconds; the table counts in hours."""


def hourly_of(rows: Path) -> Hourly:
    """Hourly totals from the rows that the job wrote; a pair's value is the office and the cell's label."""
    from corridor.flink.painting import labels  # noqa: PLC0415  # PyFlink is slow to import

    table = read_rows(rows)
    cells = labels([_category(r["dimension"]) for r in table], [str(r["cell"]) for r in table])
    values = [
        f"{r['what']}/{cell}" if r["dimension"] in PAIRS else r["what"]
        for r, cell in zip(table, cells, strict=True)
    ]
    counts: dict[str, object] = {name: [r[name] for r in table] for name in COUNTS}
    return Hourly.of([r["moment"] * HOUR for r in table], [r["dimension"] for r in table], values, counts)


def _category(dimension: str) -> str:
    return dimension.partition("/")[2] if dimension in PAIRS else "plain"


def write_anomalies(rows: Path, rulebook: Path, book: Rulebook, into: Path) -> int:
    """Write what left its norm as a further file of `into`; how many anomalies."""
    found = detect(hourly_of(rows), PictureNorms.load(rulebook), book.participants, book.version)
    if found:
        into.mkdir(parents=True, exist_ok=True)
        (into / "picture.ndjson").write_bytes(b"".join(encode(anomaly) + b"\n" for anomaly in found))
    return len(found)
