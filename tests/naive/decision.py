"""Slow twin of the writer kernel: decision.v1 and trace.v1 by json.dumps, a document at a time."""

import json
import math
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

from corridor.history import History
from corridor.messages.columns import CORRIDORS, DIRECTIONS, FUNCTIONS, NO_MONEY, Declarations
from corridor.messages.quality import HEAD_BITS, ITEM_BITS, names
from corridor.messages.tokens import untoken
from corridor.messages.vocabulary import BASES, GROUPS
from corridor.verdicts import Verdicts

MOST = 2**63 - 1


class Number(str):
    """A number by its text, which json.dumps cannot be told to keep."""


def fixed(value: int, places: int) -> Number | None:
    return None if value == NO_MONEY else Number(f"{Decimal(value).scaleb(-places):.{places}f}")


def trimmed(value: float, places: int) -> Number | None:
    if not math.isfinite(value) or not round(abs(value) * 10**places) < 2**53:
        return None
    text = f"{Decimal(round(value * 10**places)).scaleb(-places):.{places}f}".rstrip("0").rstrip(".")
    return Number("0" if text in ("-0", "") else text)


def moment(micros: int) -> str:
    micros = min(max(micros, -62_135_596_800_000_000), 253_402_300_799_999_999)
    when = datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=micros)
    text = when.isoformat(timespec="microseconds" if micros % 1000 else "milliseconds")
    return text.replace("+00:00", "Z")


def grams(kilograms: float) -> int:
    return round(kilograms * 1000) if abs(kilograms) <= 1e12 else NO_MONEY


def summed(values: list[int]) -> int:
    return min(sum(value for value in values if value > 0), MOST)


def chapter(hs: int) -> str:
    text = str(hs >> 4).zfill(hs & 15) if hs > 0 else ""
    return text[:2] if 6 <= len(text) <= 10 and text[:2] != "00" else "unknown"


def country(token: int) -> str | None:
    return None if token == 0 else "unknown" if token < 0 else untoken(token)


def item_document(item: Any, probability: float, corridor: int) -> dict[str, Any]:
    return {
        "item_no": max(int(item["item_no"]), 0),
        "hs_chapter": chapter(int(item["hs_code"])),
        "origin_country": country(int(item["origin_country"])),
        "probability": trimmed(float(probability), 9),
        "corridor": CORRIDORS[corridor],
        "customs_value": fixed(int(item["customs_value"]), 2),
        "net_mass_kg": fixed(grams(float(item["net_mass_kg"])), 3),
        "duty": fixed(int(item["duty"]), 2),
        "vat": fixed(int(item["vat"]), 2),
    }


def flagged(verdicts: Verdicts, i: int, rows: range) -> bool:
    head = {"late"}
    item = {"rate_missing", "rate_stale"}
    told = set(names(int(verdicts.quality[i]), HEAD_BITS)) - head
    for j in rows:
        told |= set(names(int(verdicts.item_quality[j]), ITEM_BITS)) - item
    return bool(told)


def shadow(verdicts: Verdicts, i: int) -> dict[str, Any] | None:
    if verdicts.shadow is None or verdicts.shadow.corridor[i] < 0:
        return None
    return {
        "rulebook": Number(json.dumps(verdicts.shadow.rulebook)),
        "corridor": CORRIDORS[verdicts.shadow.corridor[i]],
    }


def decision(batch: Declarations, verdicts: Verdicts, i: int, decided_at: int) -> dict[str, Any]:
    head, (identity, office, importer) = batch.heads[i], batch.texts(i)
    rows = range(int(batch.offsets[i]), int(batch.offsets[i + 1]))
    items = [batch.items[j] for j in rows]
    value, duty, vat = (
        summed([int(item[name]) for item in items]) for name in ("customs_value", "duty", "vat")
    )
    reasons = zip(
        verdicts.reason_group[i], verdicts.reason_item[i], verdicts.reason_contribution[i], strict=True
    )
    return {
        "declaration_id": identity,
        "version": max(int(head["version"]), 0),
        "function": FUNCTIONS[head["function"]],
        "registered_at": moment(int(head["registered_at"])),
        "decided_at": moment(decided_at),
        "office": office,
        "direction": DIRECTIONS[head["direction"]],
        "transport_mode": int(head["transport_mode"]),
        "importer": importer,
        "corridor": CORRIDORS[verdicts.corridor[i]],
        "probability": trimmed(float(verdicts.probability[i]), 9),
        "expected_loss": fixed(int(verdicts.expected_loss[i]), 2),
        "basis": BASES[verdicts.basis[i]],
        "late": bool(verdicts.quality[i] & (1 << 12)),
        "flagged": flagged(verdicts, i, rows),
        "reasons": [
            {"group": GROUPS[g], "item_no": int(no), "contribution": trimmed(float(c), 6)}
            for g, no, c in reasons
            if g >= 0
        ],
        "items": [
            item_document(batch.items[j], verdicts.item_probability[j], verdicts.item_corridor[j])
            for j in rows
        ],
        "inclusion_probability": trimmed(float(verdicts.inclusion[i]), 9),
        "selected_at_random": bool(verdicts.at_random[i]),
        "rulebook": Number(json.dumps(verdicts.rulebook)),
        "shadow": shadow(verdicts, i),
        "customs_value": fixed(value, 2),
        "payments": fixed(min(duty + vat, MOST), 2),
        "duty": fixed(duty, 2),
        "vat": fixed(vat, 2),
        "net_mass_kg": fixed(summed([grams(float(item["net_mass_kg"])) for item in items]), 3),
        "item_count": len(items),
    }


def trace(batch: Declarations, history: History, rulebook: str, i: int) -> dict[str, Any]:
    head, late, declarant = batch.heads[i], bool(history.late[i]), int(history.original_declarant[i])
    values = [int(value) for value in history.values[:, i]]
    return {
        "declaration_id": batch.texts(i)[0],
        "version": max(int(head["version"]), 0),
        "rulebook": Number(json.dumps(rulebook)),
        "late": late,
        "previous_version": int(history.previous_version[i]),
        "original_declarant_same": None if declarant == 0 else declarant == int(head["declarant"]),
        "history": {
            name: None if late or value == NO_MONEY else value
            for name, value in zip(history.names, values, strict=True)
        },
    }


def text(value: Any) -> bytes:
    """UTF-8 JSON without spaces; every control character as \\u00XX."""
    return _text(value).encode()


def _text(value: Any) -> str:
    if isinstance(value, Number):
        return str(value)
    if isinstance(value, dict):
        return "{" + ",".join(f"{_text(key)}:{_text(inner)}" for key, inner in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(_text, value)) + "]"
    if isinstance(value, str):
        signs = (f"\\u{ord(c):04x}" if c < " " else json.dumps(c, ensure_ascii=False)[1:-1] for c in value)
        return '"' + "".join(signs) + '"'
    return json.dumps(value)
