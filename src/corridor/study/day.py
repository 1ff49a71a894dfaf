"""A day from what the jobs wrote: decisions, picture, anomalies and rejects to the content of a page."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.columns import CORRIDORS
from corridor.messages.picture import PictureRow, decode
from corridor.output import parts
from corridor.picture.hourly import HOUR, SERVICE
from corridor.picture.norms import PictureNorms
from corridor.study.report.content import Alert, Curve, Day, Office

Array = NDArray[Any]

SCHEMA: Final[dict[str, pl.DataType | type[pl.DataType]]] = {
    "declaration_id": pl.String,
    "version": pl.Int64,
    "function": pl.String,
    "registered_at": pl.String,
    "office": pl.String,
    "importer": pl.String,
    "corridor": pl.String,
    "probability": pl.Float64,
    "expected_loss": pl.Float64,
    "basis": pl.String,
    "reasons": pl.List(pl.Struct({"group": pl.String})),
    "items": pl.List(pl.Struct({"hs_chapter": pl.String, "origin_country": pl.String})),
    "duty": pl.Float64,
    "vat": pl.Float64,
}
ORIGINS: Final = 12
CHAPTERS: Final = 14
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class Output:
    """What a run left in its output folder, read back. `decisions`: columns of SCHEMA and `hour`."""

    decisions: pl.DataFrame
    picture: list[PictureRow]
    anomalies: list[dict[str, Any]]
    rejects: dict[str, int]
    summary: dict[str, Any]

    @classmethod
    def read(cls, folder: Path) -> "Output":
        """Read an output folder of `corridor run decide`; raises InputError if it is none."""
        summary = folder / "summary.json"
        if not summary.is_file():
            raise InputError(f"{folder} has no summary.json: give a folder that `corridor run decide` wrote")
        rejects = Counter(str(r["code"]) for r in _documents(folder / "rejects"))
        lines = [line for path in parts(folder / "picture") for line in path.read_bytes().splitlines()]
        return cls(
            decisions=_decisions(folder / "decisions"),
            picture=decode(lines),
            anomalies=_documents(folder / "anomalies"),
            rejects=dict(rejects),
            summary=json.loads(summary.read_text(encoding="utf-8")),
        )


def _documents(folder: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for path in parts(folder) for line in path.read_bytes().splitlines() if line]


def _decisions(folder: Path) -> pl.DataFrame:
    files = [path for path in parts(folder) if path.stat().st_size]
    frames = [pl.read_ndjson(path, schema=SCHEMA) for path in files]
    table = pl.concat(frames) if frames else pl.DataFrame(schema=SCHEMA)
    moment = pl.col("registered_at").str.to_datetime("%+", time_unit="us", time_zone="UTC")
    return table.with_columns(hour=moment.dt.truncate("1h").dt.replace_time_zone(None).cast(pl.Int64))


def day(output: Output, norms: PictureNorms, when: date) -> Day:
    """Gather one day. Totals are the picture's, amendments and all; curves count originals."""
    midnight = int(datetime(when.year, when.month, when.day, tzinfo=UTC).timestamp()) * 1_000_000
    clock = midnight + np.arange(24) * HOUR
    inside = pl.col("hour").is_between(midnight, midnight + 23 * HOUR) & (pl.col("function") == "original")
    originals = output.decisions.filter(inside)
    rows = {(r.dimension, r.value): r for r in _last(output.picture, midnight)}
    whole = rows.get(("service", SERVICE))
    if whole is None:
        raise InputError(f"there is no picture of {when}: run `corridor run decide` without --no-picture")
    alerts = [_alert(a) for a in output.anomalies if _on(a, when)]
    origins, chapters, mix = _mix(originals)
    return Day(
        date=when.isoformat(),
        rulebook=str(output.summary.get("rulebook", "")),
        declarations=whole.declarations,
        items=whole.items,
        customs_value=whole.customs_value / 100,
        duty=whole.duty / 100,
        vat=whole.vat / 100,
        corridors=whole.corridors,
        curve=_curve(originals, norms, ("service", SERVICE), clock),
        by_corridor=np.stack([_hourly(originals.filter(pl.col("corridor") == c), clock) for c in CORRIDORS]),
        payments=np.stack([_hourly(originals, clock, name) for name in ("duty", "vat")]),
        offices=_offices(originals, rows, norms, clock, alerts),
        origins=origins,
        chapters=chapters,
        mix=mix,
        reasons=_reasons(originals),
        alerts=alerts,
        counts={k: v for k, v in output.summary.items() if isinstance(v, int) and not isinstance(v, bool)},
        rejects=output.rejects,
    )


def _last(picture: list[PictureRow], midnight: int) -> list[PictureRow]:
    """The newest message of each cell of the day: later ones replace earlier ones (upserts)."""
    newest: dict[tuple[str, str], PictureRow] = {}
    for row in picture:
        key = row.dimension, row.value
        if row.period != "day" or row.window_start != midnight:
            continue
        if key not in newest or row.window_end >= newest[key].window_end:
            newest[key] = row
    return list(newest.values())


def _hourly(rows: pl.DataFrame, clock: Array, amount: str | None = None) -> Array:
    hour = (rows["hour"].to_numpy() - clock[0]) // HOUR
    weights = None if amount is None else rows[amount].fill_null(0.0).to_numpy()
    return np.bincount(hour, weights, len(clock)).astype(np.float64)


def _curve(rows: pl.DataFrame, norms: PictureNorms, series: tuple[str, str], clock: Array) -> Curve:
    return Curve(clock, _hourly(rows, clock), *norms.band(*series, clock))


def _offices(
    originals: pl.DataFrame,
    rows: dict[tuple[str, str], PictureRow],
    norms: PictureNorms,
    clock: Array,
    alerts: list[Alert],
) -> list[Office]:
    flagged = Counter(a.office for a in alerts if not a.kind.startswith("consignment."))
    parts = {str(key[0]): part for key, part in originals.group_by("office")}
    known = {value for dimension, value in norms.counts if dimension == "office"}
    offices = []
    for code in sorted(known | {value for dimension, value in rows if dimension == "office"}):
        row = rows.get(("office", code))
        offices.append(
            Office(
                code=code,
                declarations=row.declarations if row else 0,
                corridors=row.corridors if row else (0, 0, 0, 0),
                customs_value=row.customs_value / 100 if row else 0.0,
                payments=(row.duty + row.vat) / 100 if row else 0.0,
                curve=_curve(parts.get(code, originals.clear()), norms, ("office", code), clock),
                alerts=flagged[code],
            )
        )
    return offices


def _mix(originals: pl.DataFrame) -> tuple[list[str], list[str], Array]:
    """Count goods items by the commonest origins and chapters, the other chapters together."""
    items = originals.select(pl.col("items").explode(empty_as_null=False)).unnest("items")
    items = items.with_columns(pl.col("origin_country").fill_null("unknown"))
    names = [
        items[column]
        .value_counts()
        .sort(["count", column], descending=[True, False])[column]
        .to_list()[:most]
        for column, most in (("origin_country", ORIGINS), ("hs_chapter", CHAPTERS))
    ]
    origins, shown = names[0], set(names[1])
    items = items.with_columns(
        pl.when(pl.col("hs_chapter").is_in(shown))
        .then("hs_chapter")
        .otherwise(pl.lit(OTHER))
        .alias("hs_chapter")
    )
    chapters = sorted(set(items["hs_chapter"].to_list()), key=lambda c: (c == OTHER, c))
    counts = {tuple(key): n for *key, n in items.group_by("origin_country", "hs_chapter").len().iter_rows()}
    mix = np.array([[counts.get((o, c), 0) for c in chapters] for o in origins], np.float64)
    return origins, chapters, mix.reshape(len(origins), len(chapters))


def _reasons(originals: pl.DataFrame) -> dict[str, int]:
    """Declarations outside green by the group of their first reason."""
    first = originals.filter(pl.col("corridor") != "green").select(
        group=pl.col("reasons").list.first().struct.field("group").fill_null("none")
    )
    return dict(first["group"].value_counts().iter_rows())


def _on(document: dict[str, Any], when: date) -> bool:
    """Whether an anomaly's stretch of time begins on the day; one without a stretch happened at its time."""
    start = document.get("evidence", {}).get("start") or document["event_time"]
    return str(start)[:10] == when.isoformat()


def _alert(document: dict[str, Any]) -> Alert:
    evidence = document.get("evidence", {})
    start, stop = str(evidence.get("start", "")), str(evidence.get("stop", ""))
    return Alert(
        kind=document["kind"],
        severity=document["severity"],
        subject="whole service"
        if document["subject"]["type"] == "service"
        else str(document["subject"]["id"]),
        office=document.get("office"),
        time=f"{start[11:16]} to {stop[11:16]}" if start and stop else str(document["event_time"])[11:16],
        text=document["text"]["en"],
        **{name: document.get(name) for name in ("observed", "expected", "low", "high")},
    )
