"""What the page shows as CSV: UTF-8 with a mark for spreadsheets, and no cell that a spreadsheet would run."""

import csv
import io
from collections.abc import Callable, Iterable
from typing import Any, Final

from corridor.console.snapshot import Sections

_COUNTS: Final = ("declarations", "items", "customs_value", "duty", "vat", "green", "blue", "yellow", "red")
_RUNS: Final = ("=", "+", "-", "@", "\t", "\r", "\n", "|", "%")
"""First signs at which spreadsheets take a text for a formula, or lose its place."""


def safe(value: Any) -> Any:
    """A cell that is only ever data: numbers as they are, a text that could run with an apostrophe before it.

    Control characters become U+FFFD, so that no text breaks out of its line. Source: OWASP, "CSV Injection".
    """
    if not isinstance(value, str):
        return "" if value is None else value
    shown = "".join(sign if sign.isprintable() else "\N{REPLACEMENT CHARACTER}" for sign in value)
    return f"'{shown}" if value.startswith(_RUNS) or value.lstrip() != value else shown


def _curve(sections: Sections) -> Iterable[list[Any]]:
    yield ["hour", "declarations", "expected", "low", "high"]
    for hour, row in sections.get("curve", {}).items():
        yield [f"{hour}:00Z", *row]


def _offices(sections: Sections) -> Iterable[list[Any]]:
    names = (*_COUNTS, "late", "flagged", "expected", "p50", "p95", "planned", "forecast")
    yield ["office", *names]
    for office, row in sections.get("offices", {}).items():
        yield [office, *(row.get(name) for name in names)]


def _split(sections: Sections) -> Iterable[list[Any]]:
    yield ["dimension", "value", *_COUNTS]
    for key, row in sections.get("split", {}).items():
        yield [*key.split("/", 1), *(row.get(name) for name in _COUNTS)]


def _mix(sections: Sections) -> Iterable[list[Any]]:
    yield ["origin", "chapter", "declarations", "items", "customs_value"]
    for key, row in sections.get("mix", {}).items():
        yield [*key.rsplit("/", 1), *row]
    for name in ("origins", "chapters"):
        for key, row in sections.get(name, {}).items():
            yield [*((key, "") if name == "origins" else ("", key)), *row]


def _anomalies(sections: Sections) -> Iterable[list[Any]]:
    names = (
        "at",
        "severity",
        "kind",
        "state",
        "office",
        "observed",
        "expected",
        "low",
        "high",
        "en",
        "ru",
        "id",
    )
    yield ["subject_type", "subject", *names]
    for row in sections.get("anomalies", {}).values():
        yield [row["subject"]["type"], row["subject"]["id"], *(row.get(name) for name in names)]


def _rejects(sections: Sections) -> Iterable[list[Any]]:
    yield ["code", "rejected"]
    yield from ([code, many] for code, many in sections.get("rejects", {}).items())


def _glance(sections: Sections) -> Iterable[list[Any]]:
    yield ["what", "value"]
    for name in ("period", "start", "end", "as_of"):
        yield [name, sections["meta"].get(name)]
    yield from (
        [name, value] for name, value in sections.get("glance", {}).items() if not isinstance(value, dict)
    )


TABLES: Final[dict[str, Callable[[Sections], Iterable[list[Any]]]]] = {
    "glance": _glance,
    "curve": _curve,
    "offices": _offices,
    "split": _split,
    "mix": _mix,
    "anomalies": _anomalies,
    "rejects": _rejects,
}
"""By the name under which the page asks for them."""
_CONSIGNMENT: Final = (
    *("declaration_id", "version", "function", "registered_at", "decided_at", "office", "direction", "importer"),
    *("corridor", "basis", "late", "transport_mode", "customs_value", "payments", "item_count", "rulebook"),
    *("reasons", "chapters", "origins"),
)  # fmt: skip


def table(name: str, sections: Sections) -> bytes:
    """One of TABLES as CSV; KeyError for another name."""
    return written(TABLES[name](sections))


def consignments(rows: Iterable[dict[str, Any]]) -> bytes:
    """Declarations as CSV."""
    told = ([" ".join(v) if isinstance(v := row[name], list) else v for name in _CONSIGNMENT] for row in rows)
    return written([list(_CONSIGNMENT), *told])


def written(rows: Iterable[Iterable[Any]]) -> bytes:
    """Rows as the bytes of a file, every text made safe."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\r\n").writerows([safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode("utf-8-sig", "replace")
