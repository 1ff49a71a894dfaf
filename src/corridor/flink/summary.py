"""summary.json: every number counted where it arose, so that they check one another."""

import json
from collections import Counter
from pathlib import Path
from typing import Any, Final

from corridor.errors import CorridorError
from corridor.messages.columns import CORRIDORS, FUNCTIONS
from corridor.rulebook.load import Shelf

_MOST_NAMED: Final = 20


def read_rows(folder: Path) -> list[dict[str, Any]]:
    """The rows of a table that a job wrote as JSON lines."""
    parts = [p for p in folder.rglob("*") if p.is_file() and p.name[0] not in "._"] if folder.is_dir() else []
    return [json.loads(line) for part in sorted(parts) for line in part.read_bytes().splitlines()]


def decide_summary(rows: Path, made: Path, read: int, shelf: Shelf) -> dict[str, Any]:
    """The numbers of a run of `decide`; `read` was counted from the files themselves.

    Raises CorridorError unless read = decided + rejected + duplicates.
    """
    counts = read_rows(rows / "counts")
    failed = len(read_rows(rows / "failures"))
    decided = [row for row in counts if row["what"] == "decided"]
    conflicts, duplicates, rejected = (
        _sum(counts, what=name) for name in ("conflict", "duplicate", "rejected")
    )
    summary: dict[str, Any] = {
        "read": read,
        "decided": _sum(decided),
        "rejected": rejected + failed,
        "duplicates": duplicates + conflicts,
        "conflicts": conflicts,
        "cancelled": _sum(decided, act=FUNCTIONS.index("cancellation")),
        "corridors": {name: _sum(decided, corridor=i) for i, name in enumerate(CORRIDORS)},
        "late": _sum(decided, late=True),
        "anomalies": anomaly_kinds(made / "anomalies"),
        "rulebook": _named(shelf.versions),
    }
    told = sum(int(summary[name]) for name in ("decided", "rejected", "duplicates"))
    if told != read:
        raise CorridorError(
            f"{read} records stand in the input, but {summary['decided']} decided, {summary['rejected']} "
            f"rejected and {summary['duplicates']} duplicates are {told}; nothing was written, report this"
        )
    return summary


def picture_summary(rows: Path, read: int) -> dict[str, Any]:
    """The numbers of a run of `picture`: decisions read, those that stand, cells painted.

    Raises CorridorError unless every decision was read.
    """
    counts = read_rows(rows / "counts")
    known = _sum(counts)
    if known != read:
        raise CorridorError(
            f"{read} decisions stand in the input, but Flink read {known}; nothing was written, report this"
        )
    return {
        "read": read,
        "standing": _sum(counts, standing=True),
        "corridors": {name: _sum(counts, standing=True, corridor=i) for i, name in enumerate(CORRIDORS)},
    }


def anomaly_kinds(folder: Path) -> dict[str, int]:
    """How many anomalies of each kind were written."""
    kinds: Counter[str] = Counter()
    for part in sorted(folder.glob("*.ndjson")):
        kinds.update(json.loads(line)["kind"] for line in part.read_bytes().splitlines())
    return dict(sorted(kinds.items()))


def _named(versions: tuple[str, ...]) -> str:
    """The versions by name; of a registry's many the first and the last."""
    if len(versions) <= _MOST_NAMED:
        return ", ".join(versions)
    return f"{versions[0]} to {versions[-1]}, {len(versions)} versions"


def _sum(rows: list[dict[str, Any]], **conditions: object) -> int:
    return sum(row["n"] for row in rows if all(row[key] == value for key, value in conditions.items()))
