"""A batch as NDJSON: one kernel walks a layout for every declaration and writes into one buffer.

Numbers are written from integers (grams, hundredths, thousandths), so no float is ever printed.
"""

from typing import Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel
from corridor.simulate import texts
from corridor.simulate.batch import Array, Batch
from corridor.simulate.catalogue import VARIANTS

TEXT, INTEGER, TRIMMED, FIXED, TIME, PARTY, NUMBER, NATIONAL = range(8)
"""How a value is written: text of a group; integer; decimals without trailing zeros; two decimals; time
with the zone of the next column; party with the country of the next column; declaration_id with date
and sequence of the next columns; ten digits."""

_HEAD: Final = (  # key, how, column, group
    ('{"declaration_id":', NUMBER, "id_office", "offices"),
    (',"version":', INTEGER, "version", None),
    (',"function":', TEXT, "function", "functions"),
    (',"registered_at":', TIME, "registered", None),
    (',"office":', TEXT, "office", "offices"),
    (',"direction":', TEXT, "direction", "directions"),
    (',"procedure":', TEXT, "procedure", "procedures"),
    (',"transport_mode":', INTEGER, "mode", None),
    (',"declarant":', NATIONAL, "declarant", None),
    (',"importer":', PARTY, "importer", "countries"),
    (',"exporter":', PARTY, "exporter", "countries"),
    (',"dispatch_country":', TEXT, "dispatch", "countries"),
    (',"delivery_terms":', TEXT, "terms", "terms"),
)
_HEAD_COLUMNS: Final = (
    "id_office", "date", "sequence", "version", "function", "registered", "zone", "office", "direction",
    "procedure", "mode", "declarant", "importer", "importer_country", "exporter", "exporter_country",
    "dispatch", "terms",
)  # fmt: skip
_ITEM: Final = (
    ('{"item_no":', INTEGER, "item_no", None),
    (',"hs_code":', TEXT, "good", "goods"),
    (',"description":', TEXT, "description", "descriptions"),
    (',"origin_country":', TEXT, "origin", "countries"),
    (',"net_mass_kg":', TRIMMED, "net", None),
    (',"gross_mass_kg":', TRIMMED, "gross", None),
    (',"quantity":', TRIMMED, "quantity", None),
    (',"unit":', TEXT, "unit", "units"),
    (',"packages":', INTEGER, "packages", None),
    (',"invoice_amount":', FIXED, "invoice", None),
    (',"currency":', TEXT, "currency", "currencies"),
    (',"customs_value":', FIXED, "value", None),
    (',"duty":', FIXED, "duty", None),
    (',"vat":', FIXED, "vat", None),
)
_ITEM_COLUMNS: Final = (
    "item_no", "good", "description", "origin", "net", "gross", "quantity", "unit", "packages", "invoice",
    "currency", "value", "duty", "vat",
)  # fmt: skip
_OPTIONAL: Final = frozenset({"quantity", "unit"})  # left out, key and all, when negative
_KEYS: Final = tuple(row[0] for row in (*_HEAD, *_ITEM))


@inline
def _text(out, p, pool, start, stop):  # type: ignore[no-untyped-def]
    for i in range(start, stop):
        out[p] = pool[i]
        p += 1
    return p


@inline
def _digits(out, p, value, width):  # type: ignore[no-untyped-def]
    for i in range(width - 1, -1, -1):
        out[p + i] = 48 + value % 10
        value //= 10
    return p + width


@inline
def _decimal(out, p, value, decimals, keep):  # type: ignore[no-untyped-def]
    """`value` / 10**decimals; trailing zeros are left out unless `keep`."""
    scale = 1
    for _ in range(decimals):
        scale *= 10
    if value < 0:
        out[p] = 45
        p += 1
        value = -value
    whole, rest = value // scale, value % scale
    width, left = 1, whole // 10
    while left > 0:
        width += 1
        left //= 10
    p = _digits(out, p, whole, width)
    if decimals == 0 or (rest == 0 and not keep):
        return p
    out[p] = 46
    p = _digits(out, p + 1, rest, decimals)
    while not keep and out[p - 1] == 48:
        p -= 1
    return p


@inline
def _time(out, p, ms, zone):  # type: ignore[no-untyped-def]
    """RFC 3339 with milliseconds; the civil date from days after Howard Hinnant's algorithm."""
    ms += zone * 3_600_000
    days = ms // 86_400_000
    ms -= days * 86_400_000
    z = days + 719_468
    era = z // 146_097
    doe = z - era * 146_097
    yoe = (doe - doe // 1460 + doe // 36_524 - doe // 146_096) // 365
    doy = doe - (365 * yoe + yoe // 4 - yoe // 100)
    mp = (5 * doy + 2) // 153
    month = mp + 3 if mp < 10 else mp - 9
    year = yoe + era * 400 + (1 if month <= 2 else 0)
    parts = (
        (34, year, 4), (45, month, 2), (45, doy - (153 * mp + 2) // 5 + 1, 2), (84, ms // 3_600_000, 2),
        (58, ms // 60_000 % 60, 2), (58, ms // 1000 % 60, 2), (46, ms % 1000, 3),
    )  # fmt: skip
    for part in parts:
        out[p] = part[0]
        p = _digits(out, p + 1, part[1], part[2])
    if zone == 0:
        out[p] = 90
        p += 1
    else:
        out[p] = 43
        p = _digits(out, p + 1, zone, 2)
        out[p] = 58
        p = _digits(out, p + 1, 0, 2)
    out[p] = 34
    return p + 1


@kernel
def _record(out, p, row, layout, pool, starts):  # type: ignore[no-untyped-def]
    """Write one object without its closing brace.

    row: i8[columns]; layout: i8[k, 5]: key, how, column, first text of the group, optional.
    """
    for k in range(len(layout)):
        key, how, column, base = layout[k, 0], layout[k, 1], layout[k, 2], layout[k, 3]
        value = row[column]
        if layout[k, 4] == 1 and value < 0:
            continue
        p = _text(out, p, pool, starts[key], starts[key + 1])
        text = base + (row[column + 1] if how == PARTY else value)
        if how == TEXT:
            p = _text(out, p, pool, starts[text], starts[text + 1])
        elif how <= FIXED:
            decimals = 0 if how == INTEGER else 3 if how == TRIMMED else 2
            p = _decimal(out, p, value, decimals, how == FIXED)
        elif how == TIME:
            p = _time(out, p, value, row[column + 1])
        elif how == PARTY and text >= base:
            p = _text(out, p, pool, starts[text], starts[text + 1] - 1)
            out[p] = 45
            p = _digits(out, p + 1, value, 7)
            out[p] = 34
            p += 1
        elif how == NUMBER:
            p = _text(out, p, pool, starts[text], starts[text + 1] - 1)
            out[p] = 47
            p = _digits(out, p + 1, row[column + 1], 6)
            out[p] = 47
            p = _digits(out, p + 1, row[column + 2], 7)
            out[p] = 34
            p += 1
        else:
            out[p] = 34
            p = _digits(out, p + 1, value, 10)
            out[p] = 34
            p += 1
    return p


@kernel
def _write(out, heads, items, offsets, layouts, pool, starts):  # type: ignore[no-untyped-def]
    """heads: i8[n, columns]; items: i8[m, columns]; gives i8[n], where each line ends."""
    p = 0
    ends = np.empty(len(heads), np.int64)
    for i in range(len(heads)):
        p = _record(out, p, heads[i], layouts[0], pool, starts)
        for byte in b',"items":[':
            out[p] = byte
            p += 1
        for j in range(offsets[i], offsets[i + 1]):
            p = _record(out, p, items[j], layouts[1], pool, starts)
            out[p], out[p + 1] = 125, 44
            p += 2
        out[p - 1], out[p], out[p + 1] = 93, 125, 10
        p += 2
        ends[i] = p
    return ends


def _layout(
    rows: tuple[tuple[str, int, str, str | None], ...], columns: tuple[str, ...]
) -> NDArray[np.int64]:
    table = texts.load(_KEYS)
    return np.array(
        [
            (
                table.bases["keys"] + _KEYS.index(key),
                how,
                columns.index(column),
                table.bases[group] if group else 0,
                column in _OPTIONAL,
            )
            for key, how, column, group in rows
        ],
        np.int64,
    )


def lines(batch: Batch) -> tuple[NDArray[np.uint8], Array]:
    """Write the batch as NDJSON: u1 buffer, and i8[n] where each line ends (its line feed included)."""
    table, heads, items = texts.load(_KEYS), batch.heads, batch.items
    derived = {
        "unit": np.where(items["quantity"] >= 0, table.unit[items["good"]], -1),
        "description": items["true_good"].astype(np.int64) * VARIANTS + items["variant"],
    }
    head_rows = np.stack([heads[name].astype(np.int64) for name in _HEAD_COLUMNS], 1)
    item_rows = np.stack(
        [(derived[name] if name in derived else items[name]).astype(np.int64) for name in _ITEM_COLUMNS], 1
    )
    out = np.empty(len(heads) * 560 + len(items) * (420 + table.longest), np.uint8)
    layouts = (_layout(_HEAD, _HEAD_COLUMNS), _layout(_ITEM, _ITEM_COLUMNS))
    ends = _write(out, head_rows, item_rows, batch.offsets, layouts, table.pool, table.starts)
    return out[: ends[-1] if len(ends) else 0], ends


def split(buffer: NDArray[np.uint8], ends: Array) -> list[bytes]:
    """Cut the buffer into lines without their line feeds."""
    raw, stops = buffer.tobytes(), ends.tolist()
    return [raw[start : stop - 1] for start, stop in zip([0, *stops], stops, strict=False)]
