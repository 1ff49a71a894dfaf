"""What was read as samples: by name of the family the values of its labels to a number; None becomes no sample."""

import time
from collections import Counter
from typing import TYPE_CHECKING, Any, Final

from corridor.console.exporter.day import Cell, Cells
from corridor.console.exporter.families import MODES, OFFSETS, OTHER, OUTCOMES, READER
from corridor.console.exporter.offices import Offices
from corridor.kafka.topics import TOPICS
from corridor.messages.anomaly_texts import KINDS
from corridor.messages.columns import CORRIDORS, DIRECTIONS
from corridor.messages.reject import REJECT_CODES
from corridor.messages.vocabulary import BASES, GROUPS, SEVERITIES

if TYPE_CHECKING:
    from corridor.console.exporter.offsets import Offsets
    from corridor.console.exporter.state import State
    from corridor.console.exporter.told import Anomalies, Conservation, Decisions, Rejects

_SUMMARY: Final = ("decided", "rejected", "duplicates")
"""Keys of summary.json in the order of OUTCOMES; files have no tombstones."""
Rows = dict[tuple[str, ...], float]
Table = dict[str, Rows]


def service(cells: Cells) -> Table:
    """The service's day; nothing before its first cell."""
    cell = cells.get(("service", "all"))
    if cell is None:
        return {}
    plain = {
        "items": cell.items,
        "customs_value": cell.customs_value,
        "net_mass_grams": cell.net_mass_kg * 1000,
        "duty": cell.duty,
        "vat": cell.vat,
        "automatic_ratio": cell.automatic_share,
        "late": cell.late,
        "rejected": cell.rejected,
        "duplicates": cell.duplicates,
        "flagged": cell.flagged,
    }
    if cell.plan is not None:
        plain |= {"plan_payments": cell.plan.payments, "plan_ratio": cell.plan.share}
        plain |= {"plan_forecast": cell.plan.forecast}
    table: Table = {f"corridor_service_{name}": _rows({(): n}) for name, n in plain.items()}
    table["corridor_service_declarations"] = _corridors(cell)
    if cell.decide_seconds is not None:
        told = cell.decide_seconds
        table["corridor_service_decide_seconds"] = _rows(
            {("50",): told.p50, ("95",): told.p95, ("99",): told.p99}
        )
    return table


def dimensions(cells: Cells) -> Table:
    """Directions and transport modes."""
    lists = {"direction": DIRECTIONS, "transport_mode": MODES}
    return {
        f"corridor_{name}_declarations": {
            (value,): float(cells[name, value].declarations) for value in values if (name, value) in cells
        }
        for name, values in lists.items()
    }


def offices(cells: Cells, known: Offices) -> Table:
    """Offices with series of their own, those without a declaration yet at 0, and the others together."""
    declarations: Counter[tuple[str, str]] = Counter()
    payments: Rows = dict.fromkeys(((office,) for office in known.known if cells), 0.0)
    took: dict[tuple[str, str], float | None] = {}
    found = [cell for (dimension, _), cell in cells.items() if dimension == "office"]
    for cell in found:
        office = known.label(cell.value)
        declarations.update(
            {(office, corridor): n for corridor, n in zip(CORRIDORS, cell.corridors, strict=True)}
        )
        payments[(office,)] = payments.get((office,), 0.0) + cell.duty + cell.vat
        if cell.decide_seconds is not None and office != OTHER:
            took[office, "95"] = cell.decide_seconds.p95
    for office in known.known if cells else ():
        declarations.update({(office, corridor): 0 for corridor in CORRIDORS})
    return {
        "corridor_office_declarations": {labels: float(n) for labels, n in declarations.items()},
        "corridor_office_payments": payments,
        "corridor_office_decide_seconds": _rows(took),
    }


def anomalies(told: "Anomalies", known: Offices) -> Table:
    """Totals and open episodes, all kinds from 0 on, so that the first one is seen as a rise."""
    every = [(kind, severity) for kind in (*KINDS, OTHER) for severity in SEVERITIES]
    opened, by_office = told.by_kind(), told.by_office(known)
    silent = told.silent(known)
    for office in known.known:
        by_office.setdefault(office, 0)
    return {
        "corridor_office_silent": {(office,): float(office in silent) for office in (*known.known, *silent)},
        "corridor_anomalies_total": {pair: float(told.total[pair]) for pair in every},
        "corridor_anomalies_open": {pair: float(opened[pair]) for pair in every},
        "corridor_office_anomalies_open": {(office,): float(n) for office, n in by_office.items()},
    }


def decisions(told: "Decisions") -> Table:
    """Decisions, and what they rest on."""
    return {
        "corridor_decisions_total": {
            (version, corridor): float(counts[corridor])
            for version, counts in told.by_rulebook.items()
            for corridor in CORRIDORS
        },
        "corridor_decisions_by_basis_total": _from_zero(told.basis, BASES),
        "corridor_reasons_total": _from_zero(told.groups, GROUPS),
        "corridor_random_control_total": {(): float(told.random)},
        "corridor_shadow_decisions_total": {pair: float(n) for pair, n in told.shadow.items()},
    }


def rejects(told: "Rejects") -> Table:
    """Rejects by code."""
    return {"corridor_rejects_total": _from_zero(told.total, (*REJECT_CODES, OTHER))}


def conservation(told: "Conservation", offsets: "Offsets | None") -> Table:
    """What became of the records, by partition and in all; with a broker the lag and what is not committed."""
    outcomes: Counter[str] = Counter(dict.fromkeys(OUTCOMES, 0))
    read: Counter[str] = Counter()
    waiting: Counter[str] = Counter()
    for one in told.partitions.values():
        counts = (one.decided, one.rejected, one.duplicates, one.tombstones)
        outcomes.update(dict(zip(OUTCOMES, counts, strict=True)))
        read[told.label(one.partition)] += one.read
        waiting[told.label(one.partition)] += one.waiting
    table: Table = {}
    if told.partitions:
        table["corridor_records_total"] = {(name,): float(n) for name, n in outcomes.items()}
        table["corridor_partition_read_total"] = {(name,): float(n) for name, n in read.items()}
        table["corridor_partition_waiting"] = {(name,): float(n) for name, n in waiting.items()}
        table["corridor_conservation_timestamp_seconds"] = {(): told.told_at}
    return table | (_of_broker(told, offsets) if offsets is not None else {})


def _of_broker(told: "Conservation", offsets: "Offsets") -> Table:
    lag: Counter[str] = Counter()
    for (topic, partition), end in list(offsets.ends.items()):
        if topic == TOPICS["declarations"]:
            one = told.partitions.get((topic, partition))
            lag[told.label(partition)] += max(0, end - 1 - one.position if one else end)
    stuck = dict(offsets.stuck)
    return {
        "corridor_partition_lag": {(name,): float(n) for name, n in lag.items()},
        "corridor_uncommitted_records": {(topic,): float(n) for topic, (n, _) in stuck.items()},
        "corridor_uncommitted_seconds": {(topic,): longest for topic, (_, longest) in stuck.items()},
    }


def run_over(summary: dict[str, Any] | None) -> Table:
    """What became of the records of a run over files, which its summary tells."""
    told = {name: (summary or {}).get(key) for name, key in zip(OUTCOMES, _SUMMARY, strict=False)}
    rows: Rows = {(name,): float(n) for name, n in told.items() if isinstance(n, int) and 0 <= n < 1 << 62}
    return {"corridor_records_total": rows} if rows else {}


def source(state: "State", offsets: "Offsets | None") -> Table:
    """Whether the exporter reads, which is told at any time."""
    silent: Rows = {(READER,): state.silent}
    if offsets is not None:
        silent[(OFFSETS,)] = time.monotonic() - offsets.looked_at
    return {
        "corridor_source_up": {(): float(state.up)},
        "corridor_source_ready": {(): float(state.ready)},
        "corridor_exporter_silent_seconds": silent,
        "corridor_exporter_errors_total": _from_zero(state.errors, tuple(name for (name,) in silent)),
    }


def messages(state: "State") -> Table:
    """What was read, and what of it could not be."""
    return {
        "corridor_source_messages_total": _from_zero(state.messages, tuple(TOPICS.values())),
        "corridor_source_unreadable_total": _from_zero(state.unreadable, tuple(TOPICS.values())),
    }


def _corridors(cell: Cell) -> Rows:
    return {(corridor,): float(n) for corridor, n in zip(CORRIDORS, cell.corridors, strict=True)}


def _from_zero(counts: Counter[str], names: tuple[str, ...]) -> Rows:
    return {(name,): float(counts[name]) for name in names}


def _rows(
    told: "dict[tuple[()], float | None] | dict[tuple[str], float | None] | dict[tuple[str, str], float | None]",
) -> Rows:
    return {labels: float(n) for labels, n in told.items() if n is not None}
