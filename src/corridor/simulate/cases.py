"""Planted cases: what was planted, on whom, when; the truth that goes into `truth/planted.ndjson`."""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

import numpy as np

from corridor.simulate import catalogue, offices
from corridor.simulate.batch import Array, Batch

ITEM_KINDS: Final = ("", "undervaluation", "overstated_weight", "origin_switch", "misclassification")
PARTICIPANT_KINDS: Final = ("importer_burst", "new_importer_high_value", "splitting")
PICTURE_KINDS: Final = ("office_silent", "share_jump")


@dataclass(frozen=True)
class Case:
    """A planted case that is more than one item: of a participant or of an office.

    start, stop: ms since 1970. deviation: how far from the usual, as a factor. detail: what jumped.
    """

    kind: str
    subject_type: str
    subject_id: str
    office: str | None
    start: int
    stop: int
    deviation: float
    detail: str | None = None


def moment(ms: int) -> str:
    """RFC 3339 in UTC with milliseconds."""
    return datetime.fromtimestamp(ms / 1000, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def declaration_id(head: Any) -> str:
    """Give the id that `write.py` gives the declaration."""
    code = offices.load().codes[head["id_office"]]
    return f"{code}/{int(head['date']):06d}/{int(head['sequence']):07d}"


def _line(case: str, kind: str, **rest: Any) -> dict[str, Any]:
    return {
        "case": case, "kind": kind, "declaration_id": None, "item_no": None, "subject": None, "office": None,
        "window": None, "declarations": None, "deviation": None, "loss": None, "detail": None,
    } | rest  # fmt: skip


def truth(batch: Batch, cases: list[Case], date: str) -> list[dict[str, Any]]:
    """One line for each planted item, and one for each case of a participant or an office.

    batch: the day's originals with their numbers; loss: duty and VAT withheld, national currency.
    """
    owner, items = batch.owner(), batch.items
    found: list[dict[str, Any]] = []
    for j in np.flatnonzero(items["kind"] > 0):
        kind = ITEM_KINDS[items["kind"][j]]
        loss = int(items["due"][j] - items["duty"][j] - items["vat"][j]) / 100
        found.append(
            _line(
                f"{kind}-{date}-{len(found) + 1}",
                kind,
                declaration_id=declaration_id(batch.heads[owner[j]]),
                item_no=int(items["item_no"][j]),
                deviation=round(float(items["deviation"][j]), 4),
                loss=loss,
                detail=_right(items[j]),
            )
        )
    found.extend(_shared(batch, case, f"{case.kind}-{date}-{k}", k) for k, case in enumerate(cases, 1))
    return found


def _right(item: Any) -> str | None:
    """Say what should have been declared instead of a switched origin or code."""
    table = catalogue.load()
    if ITEM_KINDS[item["kind"]] == "origin_switch":
        return f"origin {table.countries[item['true_origin']]}"
    if ITEM_KINDS[item["kind"]] == "misclassification":
        return f"hs_code {table.hs[item['true_good']]}"
    return None


def _shared(batch: Batch, case: Case, name: str, number: int) -> dict[str, Any]:
    rows: Array = np.flatnonzero(batch.heads["case"] == number)
    return _line(
        name,
        case.kind,
        subject={"type": case.subject_type, "id": case.subject_id},
        office=case.office,
        window=[moment(case.start), moment(case.stop)],
        declarations=[declaration_id(batch.heads[i]) for i in rows],
        deviation=round(case.deviation, 4),
        detail=case.detail,
    )
