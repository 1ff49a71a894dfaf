"""Small declarations for the tests of studies."""

import json
from pathlib import Path
from typing import Any

from corridor.messages.columns import Declarations
from corridor.messages.declaration import decode_lines


def item(number: int = 1, **fields: Any) -> dict[str, Any]:
    """One goods item."""
    usual = {"hs_code": "8715001000", "origin_country": "CN", "net_mass_kg": 10.0, "gross_mass_kg": 11.0}
    usual |= {"quantity": 5, "unit": "NMB", "packages": 1, "invoice_amount": 90.0, "currency": "USD"}
    usual |= {"customs_value": 100.25, "duty": 5.0, "vat": 21.0, "description": "Baby carriages"}
    return {"item_no": number, **usual, **fields}


def declaration(number: str, at: str = "2026-11-02T08:00:00Z", **fields: Any) -> dict[str, Any]:
    """One declaration of one item, unless `items` are given."""
    usual: dict[str, Any] = {"version": 1, "function": "original", "office": "10131010"}
    usual |= {"direction": "import"}
    usual |= {"procedure": "40", "transport_mode": 3, "declarant": "7712345678", "importer": "5012345678"}
    usual |= {"exporter": "CN-0004711", "dispatch_country": "CN", "delivery_terms": "FOB", "items": [item()]}
    return {"declaration_id": number, "registered_at": at, **usual, **fields}


def result(number: str, item_no: int, at: str, finding: str, recovered: float | None) -> dict[str, Any]:
    """One result of an inspection."""
    return {
        "declaration_id": number,
        "item_no": item_no,
        "at": at,
        "finding": finding,
        "recovered": recovered,
    }


def lines(records: list[dict[str, Any]]) -> bytes:
    """NDJSON."""
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()


def batch(records: list[dict[str, Any]]) -> Declarations:
    """Decoded as the stream would."""
    decoded = decode_lines(lines(records), 0)
    assert not len(decoded.rejects.rows), decoded.rejects
    return decoded.declarations


def write(path: Path, records: list[dict[str, Any]]) -> Path:
    """An NDJSON file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(lines(records))
    return path
