"""The slow twin of the simulator's writer: dictionaries from a batch's columns."""

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from corridor.messages.columns import DIRECTIONS, FUNCTIONS
from corridor.simulate import catalogue, offices
from corridor.simulate.batch import Batch
from corridor.simulate.catalogue import VARIANTS
from corridor.simulate.rates import CURRENCIES
from corridor.simulate.routes import TERM_NAMES
from corridor.simulate.texts import PROCEDURES


def documents(batch: Batch) -> list[dict[str, Any]]:
    """One dictionary a declaration, as `json.loads` would give it."""
    ends = batch.offsets
    return [
        {**_head(head), "items": [_item(item) for item in batch.items[ends[i] : ends[i + 1]]]}
        for i, head in enumerate(batch.heads)
    ]


def _party(country: int, number: int) -> str:
    return f"{number:010d}" if country < 0 else f"{catalogue.load().countries[country]}-{number:07d}"


def _time(ms: int, zone: int) -> str:
    moment = datetime.fromtimestamp(ms // 1000, UTC) + timedelta(milliseconds=ms % 1000)
    text = moment.astimezone(timezone(timedelta(hours=zone))).isoformat(timespec="milliseconds")
    return text.replace("+00:00", "Z")


def _head(head: Any) -> dict[str, Any]:
    codes = offices.load().codes
    return {
        "declaration_id": f"{codes[head['id_office']]}/{head['date']:06d}/{head['sequence']:07d}",
        "version": int(head["version"]),
        "function": FUNCTIONS[head["function"]],
        "registered_at": _time(int(head["registered"]), int(head["zone"])),
        "office": codes[head["office"]],
        "direction": DIRECTIONS[head["direction"]],
        "procedure": PROCEDURES[head["procedure"]],
        "transport_mode": int(head["mode"]),
        "declarant": f"{head['declarant']:010d}",
        "importer": _party(head["importer_country"], head["importer"]),
        "exporter": _party(head["exporter_country"], head["exporter"]),
        "dispatch_country": catalogue.load().countries[head["dispatch"]],
        "delivery_terms": TERM_NAMES[head["terms"]],
    }


def _item(item: Any) -> dict[str, Any]:
    table = catalogue.load()
    text = json.loads(table.descriptions[int(item["true_good"]) * VARIANTS + int(item["variant"])])
    found = {
        "item_no": int(item["item_no"]),
        "hs_code": table.hs[item["good"]],
        "description": text,
        "origin_country": table.countries[item["origin"]],
        "net_mass_kg": item["net"] / 1000,
        "gross_mass_kg": item["gross"] / 1000,
    }
    if item["quantity"] >= 0:
        found |= {"quantity": item["quantity"] / 1000}
        if table.unit[item["good"]] >= 0:
            found |= {"unit": table.units[table.unit[item["good"]]]}
    money = {name: item[key] / 100 for name, key in _MONEY.items()}
    return found | {
        "packages": int(item["packages"]),
        "invoice_amount": money["invoice_amount"],
        "currency": CURRENCIES[item["currency"]],
        **{name: money[name] for name in ("customs_value", "duty", "vat")},
    }


_MONEY = {"invoice_amount": "invoice", "customs_value": "value", "duty": "duty", "vat": "vat"}
