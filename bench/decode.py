"""Declarations/s of decoding on one core, beside what others would do: `python bench/decode.py`.

Declarations of three goods items (about 1.45 kB), batches of 2,000. Every way ends in columns of
declarations and of goods items. Processor time, the best of several rounds, the ways taken in turn; ratios
are of pairs (median, least, greatest), so that they hold on a busy machine too.
"""

import os

os.environ["POLARS_MAX_THREADS"] = "1"  # before polars is imported: one core for everybody

import io
import json
import random
import time
from collections.abc import Callable
from typing import Any

import msgspec
import numpy as np
import orjson
import polars as pl
import pyarrow as pa
import pyarrow.json
from rich.console import Console
from rich.table import Table
from side_by_side import alternate, machine, ratio

from corridor.messages.columns import Declarations
from corridor.messages.declaration import decode, decode_lines
from corridor.messages.packed import pack, unpack
from corridor.messages.strict import decode_one

BATCH = 2_000
ROUNDS = 15
PROSE = (
    "Baby carriages, folding, aluminium frame, with rain cover",
    "Multi-ply ceramic capacitors, surface mounted, on reels",
    "Cotton T-shirts, knitted, dyed, for men, sizes S to XXL",
)
RUSSIAN = (
    "Коляски детские складные, рама алюминиевая, с дождевиком",
    "Конденсаторы керамические многослойные, в катушках",
    "Футболки мужские трикотажные хлопковые, крашеные, S-XXL",
)
ITEM_NUMBERS = [
    "item_no",
    "net_mass_kg",
    "gross_mass_kg",
    "quantity",
    "packages",
    "invoice_amount",
    "customs_value",
    "duty",
    "vat",
]
ITEM_TEXTS = ["hs_code", "description", "origin_country", "unit", "currency", "trace_id"]
HEAD_TEXTS = [
    "declaration_id",
    "function",
    "registered_at",
    "office",
    "direction",
    "procedure",
    "declarant",
    "importer",
    "exporter",
    "dispatch_country",
    "delivery_terms",
]
HEAD_NUMBERS = ("version", "transport_mode")


class Item(msgspec.Struct):  # noqa: D101
    item_no: int
    hs_code: str
    customs_value: float
    description: str | None = None
    origin_country: str | None = None
    net_mass_kg: float | None = None
    gross_mass_kg: float | None = None
    quantity: float | None = None
    unit: str | None = None
    packages: float | None = None
    invoice_amount: float | None = None
    currency: str | None = None
    duty: float | None = None
    vat: float | None = None
    trace_id: str | None = None


class Declaration(msgspec.Struct):  # noqa: D101
    declaration_id: str
    version: int
    function: str
    registered_at: str
    office: str
    direction: str
    procedure: str
    transport_mode: int
    declarant: str
    importer: str
    items: list[Item]
    exporter: str | None = None
    dispatch_country: str | None = None
    delivery_terms: str | None = None


ARROW_ITEM = pa.struct(
    [(name, pa.float64()) for name in ITEM_NUMBERS] + [(name, pa.string()) for name in ITEM_TEXTS]
)
ARROW = pa.schema(
    [(name, pa.string()) for name in HEAD_TEXTS]
    + [(name, pa.int64()) for name in HEAD_NUMBERS]
    + [("items", pa.list_(ARROW_ITEM))]
)
POLARS = pl.Schema(
    dict.fromkeys(HEAD_TEXTS, pl.String)
    | dict.fromkeys(HEAD_NUMBERS, pl.Int64)
    | {
        "items": pl.List(
            pl.Struct(dict.fromkeys(ITEM_NUMBERS, pl.Float64) | dict.fromkeys(ITEM_TEXTS, pl.String))
        )
    }
)


def declarations(prose: tuple[str, ...] = PROSE) -> list[dict[str, Any]]:
    """BATCH declarations of three items, values as a service would see them."""
    chance = random.Random(1)
    return [_declaration(chance, i, prose) for i in range(BATCH)]


def _declaration(chance: random.Random, i: int, prose: tuple[str, ...]) -> dict[str, Any]:
    return {
        "declaration_id": f"10131010/221126/3{i:06d}",
        "version": 1,
        "function": "original",
        "registered_at": f"2026-11-22T{i // 240 + 8:02d}:{i % 60:02d}:30.123Z",
        "office": chance.choice(["10131010", "10216170", "10702070"]),
        "direction": "import",
        "procedure": "40",
        "transport_mode": chance.randint(1, 4),
        "declarant": f"77{chance.randrange(10**8):08d}",
        "importer": f"50{chance.randrange(10**8):08d}",
        "exporter": f"CN-{chance.randrange(10**7):07d}",
        "dispatch_country": chance.choice(["CN", "DE", "TR"]),
        "delivery_terms": "FOB",
        "items": [_item(chance, n, prose) for n in (1, 2, 3)],
    }


def _item(chance: random.Random, number: int, prose: tuple[str, ...]) -> dict[str, Any]:
    net, value = round(chance.lognormvariate(5, 2), 3), round(chance.lognormvariate(12, 2), 2)
    return {
        "item_no": number,
        "hs_code": f"{chance.randrange(10**9, 9 * 10**9)}",
        "description": chance.choice(prose),
        "origin_country": chance.choice(["CN", "DE", "TR"]),
        "net_mass_kg": net,
        "gross_mass_kg": round(net * 1.08, 3),
        "quantity": chance.randint(1, 5000),
        "unit": "NMB",
        "packages": chance.randint(1, 99),
        "invoice_amount": round(value / 92.5, 2),
        "currency": "USD",
        "customs_value": value,
        "duty": round(value * 0.05, 2),
        "vat": round(value * 0.21, 2),
        "trace_id": None,
    }


def _columns(heads: list[Any], items: list[Any], of: Callable[[Any, str], Any]) -> list[Any]:
    """Numbers to float64, texts as lists, money to minor units through a float."""
    found: list[Any] = [[of(head, name) for head in heads] for name in HEAD_TEXTS]
    found += [np.array([of(head, name) for head in heads], np.int64) for name in HEAD_NUMBERS]
    found += [np.array([of(item, name) for item in items], np.float64) for name in ITEM_NUMBERS]
    found += [[of(item, name) for item in items] for name in ITEM_TEXTS]
    return found


def by_msgspec(payloads: list[bytes]) -> list[Any]:
    decoder = msgspec.json.Decoder(Declaration)
    heads = [decoder.decode(payload) for payload in payloads]
    return _columns(heads, [item for head in heads for item in head.items], getattr)


def by_orjson(payloads: list[bytes]) -> list[Any]:
    heads = [orjson.loads(payload) for payload in payloads]
    return _columns(heads, [item for head in heads for item in head["items"]], dict.get)


def by_polars(payloads: list[bytes]) -> pl.DataFrame:
    heads = pl.read_ndjson(io.BytesIO(b"\n".join(payloads)), schema=POLARS)
    return heads.explode("items").unnest("items")


def by_pyarrow(payloads: list[bytes]) -> list[Any]:
    options = pa.json.ParseOptions(explicit_schema=ARROW)
    read = pa.json.ReadOptions(use_threads=False, block_size=1 << 26)
    table = pa.json.read_json(io.BytesIO(b"\n".join(payloads)), read_options=read, parse_options=options)
    return [table, *table.column("items").combine_chunks().flatten().flatten()]


def by_strict(payloads: list[bytes]) -> list[Any]:
    return [decode_one(payload) for payload in payloads[:100]] * (len(payloads) // 100)


def ours(payloads: list[bytes]) -> Declarations:
    return decode(payloads, 0).declarations


def our_lines(payloads: list[bytes]) -> Declarations:
    return decode_lines(b"\n".join(payloads), 0).declarations


WAYS: tuple[tuple[str, Callable[[list[bytes]], Any], str], ...] = (
    ("corridor decode", ours, "nothing left out: the strict path's rules"),
    ("corridor decode_lines", our_lines, "the same"),
    ("msgspec structs", by_msgspec, "duplicate keys, lengths, ranges, enums, times, exact money"),
    ("pyarrow.json", by_pyarrow, "as msgspec, UTF-8, missing fields; one bad record fails the block"),
    ("orjson.loads", by_orjson, "as msgspec, and types, missing fields"),
    ("polars.read_ndjson", by_polars, "as pyarrow.json"),
)


def rates(ways: dict[str, Callable[[], Any]], each: int = BATCH) -> dict[str, float]:
    """Declarations a second of processor time: best of ROUNDS, the ways in turn."""
    return {name: each / min(seconds) for name, seconds in taken(ways).items()}


def taken(ways: dict[str, Callable[[], Any]]) -> dict[str, list[float]]:
    return alternate(ways, ROUNDS, time.process_time)


def compare(console: Console) -> None:
    payloads = [json.dumps(head, separators=(",", ":")).encode() for head in declarations()]
    size = sum(map(len, payloads)) / BATCH
    found = taken({name: lambda way=way: way(payloads) for name, way, _ in WAYS})
    table = Table(title=f"Decoding, 3 items, {size:,.0f} bytes, batches of {BATCH:,}, one core")
    for heading in ("way", "declarations/s", "MB/s", "ours ÷ it", "what it does not check"):
        table.add_column(heading, justify="left" if heading[0] == "w" else "right")
    for name, _, unchecked in WAYS:
        rate = BATCH / min(found[name])
        compared = ratio(found["corridor decode"], found[name])
        table.add_row(name, f"{rate:,.0f}", f"{rate * size / 1e6:,.0f}", compared, unchecked)
    console.print(table)


def styles(console: Console) -> None:
    plain, russian = declarations(), declarations(RUSSIAN)
    forms = {
        "compact": [json.dumps(head, separators=(",", ":")) for head in plain],
        "spaced (', ', ': ')": [json.dumps(head) for head in plain],
        "keys sorted": [json.dumps(head, sort_keys=True, separators=(",", ":")) for head in plain],
        "Russian descriptions, UTF-8": [json.dumps(head, ensure_ascii=False) for head in russian],
        "Russian descriptions, \\u escapes": [json.dumps(head) for head in russian],
        "an unknown field in each": [json.dumps(head | {"seal_number": "A-1"}) for head in plain],
        "a nested unknown field in each": [json.dumps(head | {"seals": [{"no": "A-1"}]}) for head in plain],
        "Cyrillic office names": [json.dumps(head | {"office": "Шереметьево"}) for head in plain],
    }
    bodies = {name: [text.encode() for text in texts] for name, texts in forms.items()}
    found = rates({name: lambda body=body: ours(body) for name, body in bodies.items()})
    table = Table(title="The same by the producer's style")
    table.add_column("style")
    table.add_column("declarations/s", justify="right")
    for name, rate in found.items():
        table.add_row(name, f"{rate:,.0f}")
    console.print(table)
    batch = ours(bodies["compact"])
    blobs = pack(batch)
    steps = {"pack": lambda: pack(batch), "unpack": lambda: unpack(blobs)}
    console.print({name: f"{1e6 / rate:.2f} µs a declaration" for name, rate in rates(steps).items()})
    strict = rates({"strict": lambda: by_strict(bodies["compact"])}, 100)["strict"]
    console.print(f"strict path alone: {strict:,.0f} declarations/s")


if __name__ == "__main__":
    out = Console(width=150)
    out.print(machine("msgspec", "orjson", "polars", "pyarrow", "numba"))
    compare(out)
    styles(out)
