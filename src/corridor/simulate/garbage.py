"""Garbage of every kind in the design's list of bad input, with what ought to become of it.

A garbage record is a copy of an honest one, spoiled in its bytes. Most have a number of their own; a
duplicate, a conflict and another declarant's amendment bear the number of their original.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Any, Final, Literal

import numpy as np

from corridor.messages.columns import FUNCTIONS
from corridor.simulate.batch import Array, Batch
from corridor.simulate.cases import declaration_id

FIRST_NUMBER: Final = 8_000_001
Expectation = Literal["reject", "flag", "accept", "duplicate", "conflict"]
Spoiler = Callable[[bytes], bytes]


@dataclass(frozen=True)
class Kind:
    """One kind: the row of the list, what is expected, the reject code or quality flag, the pointer."""

    name: str
    row: int
    expect: Expectation
    code: str | None
    pointer: str | None
    spoil: Spoiler


def _set(key: str, value: bytes) -> Spoiler:
    """Replace the first value (text or number) of a key."""
    pattern = re.compile(rb'("%s":)("(?:[^"\\]|\\.)*"|-?[0-9.]+)' % key.encode())
    return lambda line: pattern.sub(lambda found: found[1] + value, line, count=1)


def _drop(key: str) -> Spoiler:
    pattern = re.compile(rb',"%s":("[^"]*"|-?[0-9.]+)' % key.encode())
    return lambda line: pattern.sub(b"", line, count=1)


def _head(extra: bytes) -> Spoiler:
    """Put something behind the opening brace."""
    return lambda line: b"{" + extra + b"," + line[1:]


def _scale(factor: int) -> Spoiler:
    """Multiply net and gross mass of the first item, as when tonnes are typed for kg."""

    def spoil(line: bytes) -> bytes:
        for key in (b"net_mass_kg", b"gross_mass_kg"):
            pattern = re.compile(rb'("%s":)(-?[0-9.]+)' % key)
            line = pattern.sub(lambda f: f[1] + b"%d" % max(1, round(float(f[2]) * factor)), line, count=1)
        return line

    return spoil


def _many_items(line: bytes) -> bytes:
    start = line.index(b'"items":[') + 9
    item = b'{"item_no":1,"hs_code":"8715001000","customs_value":1.00}'
    return line[:start] + b",".join([item] * 1000) + b"]}"


def _short_hs(line: bytes) -> bytes:
    return re.sub(rb'("hs_code":")(\d{5})\d*"', rb'\1\2"', line, count=1)


def _lost_zero(line: bytes) -> bytes:
    return re.sub(rb'("hs_code":")\d*"', rb'\g<1>803901000"', line, count=1)


def _rounded(line: bytes) -> bytes:
    return re.sub(rb'("customs_value":[0-9]+\.[0-9]{2})', rb"\g<1>7", line, count=1)


def _conflict(line: bytes) -> bytes:
    return re.sub(rb'("packages":)[0-9]+', rb"\g<1>999999", line, count=1)


def _same(line: bytes) -> bytes:
    return line


def _reject(name: str, row: int, code: str, pointer: str, spoil: Spoiler) -> Kind:
    return Kind(name, row, "reject", code, pointer, spoil)


def _flag(name: str, row: int, flag: str, spoil: Spoiler) -> Kind:
    return Kind(name, row, "flag", flag, None, spoil)


_FIRST = "/items/0/"
_FORMULA: Final = b"\"=cmd|' /C calc'!A0 <script>alert(1)</script>\""
KINDS: Final = (
    _reject("cut_short", 1, "malformed", "", lambda line: line[: line.index(b'"items"') + 12]),
    _reject("no_json", 1, "malformed", "", lambda line: b"<declaration/>"),
    _reject("empty", 1, "empty", "", lambda line: b""),
    _reject("two_documents", 1, "trailing", "", lambda line: line + line),
    _reject("invalid_utf8", 2, "utf8", "", _set("description", b'"\xff\xfe bad"')),
    _reject("lone_surrogate", 2, "surrogate", _FIRST + "description", _set("description", b'"\\ud800"')),
    _flag("byte_order_mark", 3, "byte_order_mark", lambda line: b"\xef\xbb\xbf" + line),
    _reject("nan", 4, "constant", _FIRST + "customs_value", _set("customs_value", b"NaN")),
    _reject("infinity", 4, "constant", _FIRST + "net_mass_kg", _set("net_mass_kg", b"-Infinity")),
    _reject("overflow", 4, "number", _FIRST + "invoice_amount", _set("invoice_amount", b"1e999")),
    _reject("key_twice", 5, "duplicate_key", "/version", _head(b'"version":1')),
    _reject("big_integer", 6, "number", _FIRST + "packages", _set("packages", b"123456789012345678901234")),
    _reject("deep", 7, "depth", "", _head(b'"x":' + b"[" * 80 + b"]" * 80)),
    _reject("giant", 7, "size", "", _head(b'"x":"' + b"x" * (1 << 20) + b'"')),
    _reject("too_many_items", 7, "items", "/items", _many_items),
    _reject("no_items", 7, "items", "/items", lambda line: line[: line.index(b'"items":[') + 9] + b"]}"),
    _flag("unknown_field", 9, "unknown_fields", _head(b'"broker_note":{"text":"call back"}')),
    _reject("missing_importer", 10, "missing", "/importer", _drop("importer")),
    _reject("null_office", 10, "missing", "/office", _set("office", b"null")),
    _reject("missing_hs_code", 10, "missing", _FIRST + "hs_code", _drop("hs_code")),
    _reject("wrong_type", 10, "type", _FIRST + "net_mass_kg", _set("net_mass_kg", b'"12,5"')),
    _reject("number_for_text", 10, "type", "/declarant", _set("declarant", b"7701000000")),
    _reject("unknown_direction", 10, "value", "/direction", _set("direction", b'"inward"')),
    _reject("mode_out_of_range", 10, "range", "/transport_mode", _set("transport_mode", b"12")),
    _reject("empty_id", 10, "length", "/declaration_id", _set("declaration_id", b'""')),
    _reject("no_time", 10, "time", "/registered_at", _set("registered_at", b'"24.11.2026 10:15"')),
    _flag("unknown_currency", 11, "currency_unknown", _set("currency", b'"QQQ"')),
    _flag("zero_mass", 12, "net_not_positive", _set("net_mass_kg", b"0")),
    _flag("negative_mass", 12, "net_not_positive", _set("net_mass_kg", b"-15.5")),
    _flag("zero_value", 12, "value_not_positive", _set("customs_value", b"0.00")),
    _flag("negative_gross", 12, "gross_not_positive", _set("gross_mass_kg", b"-1")),
    _flag("net_over_gross", 12, "net_over_gross", _set("gross_mass_kg", b"0.001")),
    _flag("hs_letters", 13, "hs_malformed", _set("hs_code", b'"87I500l000"')),
    _flag("hs_short", 13, "hs_malformed", _short_hs),
    _flag("hs_lost_zero", 13, "hs_unknown", _lost_zero),
    _flag("hs_retired", 13, "hs_unknown", _set("hs_code", b'"8519310000"')),
    _flag("origin_zz", 14, "origin_unknown", _set("origin_country", b'"ZZ"')),
    _flag("dispatch_xx", 14, "dispatch_unknown", _set("dispatch_country", b'"XX"')),
    _flag("office_unknown", 14, "office_unknown", _set("office", b'"99999999"')),
    Kind("duplicate", 15, "duplicate", None, None, _same),
    Kind("conflict", 16, "conflict", None, None, _conflict),
    _flag("amendment_first", 18, "amendment_first", _same),
    _flag("other_declarant", 18, "other_declarant", _same),
    _flag("epoch", 22, "time_unusable", _set("registered_at", b'"1970-01-01T00:00:00Z"')),
    _flag("year_one", 22, "time_unusable", _set("registered_at", b'"0001-01-01T00:00:00Z"')),
    _flag("no_offset", 22, "time_unusable", _set("registered_at", b'"2026-11-24T10:15:00"')),
    _flag("look_alike", 23, "look_alike", _set("exporter", '"СN-0004711"'.encode())),
    _flag("zero_width", 23, "look_alike", _set("exporter", '"CN-\u200b0004711"'.encode())),
    _flag("control_characters", 24, "control_characters", _set("description", b'"bags\\u0000, \\u0007rice"')),
    Kind("formula_and_html", 24, "accept", None, None, _set("description", _FORMULA)),
    _flag("tonnes_for_kg", 25, "mass_outlier", _scale(1000)),
    _flag("billion_kg", 25, "mass_outlier", _set("gross_mass_kg", b"1000000000")),
    _flag("money_rounded", 12, "money_rounded", _rounded),
)  # fmt: skip
_NAMES: Final = tuple(kind.name for kind in KINDS)
_LATER: Final = frozenset({"duplicate", "conflict", "other_declarant"})
"""Kinds that keep their original's number and arrive after it."""


class Plan:
    """Which honest records are copied and spoiled; all kinds take their turn."""

    def __init__(self, rng: np.random.Generator, share: float) -> None:
        self._rng, self._share = rng, share

    def add(self, parts: list[Batch]) -> list[Batch]:
        """Append the copies; parts[0] are the originals, the rest what follows them."""
        total = sum(map(len, parts))
        wanted = round(self._share * total)
        followed = np.concatenate([_identity(part.heads) for part in parts[1:]])
        calm = np.flatnonzero(~np.isin(_identity(parts[0].heads), followed) & (parts[0].heads["case"] == 0))
        wanted = min(wanted, len(calm))
        if wanted == 0:
            return parts
        copies = parts[0].take(self._rng.choice(calm, wanted, replace=False))
        order = self._rng.permutation(len(KINDS))
        copies.heads["garbage"] = 1 + order[np.arange(wanted) % len(KINDS)]
        self._adjust(copies)
        return [*parts, copies]

    def _adjust(self, copies: Batch) -> None:
        heads = copies.heads
        names = np.array(_NAMES)[heads["garbage"] - 1]
        later = np.isin(names, list(_LATER))
        heads["sequence"] = np.where(later, heads["sequence"], FIRST_NUMBER + np.arange(len(heads)))
        heads["arrival"] += np.where(later, self._rng.integers(3_000, 900_000, len(heads)), 1)
        amended = np.isin(names, ["amendment_first", "other_declarant"])
        heads["version"] += amended
        heads["function"] = np.where(amended, FUNCTIONS.index("amendment"), heads["function"])
        other = names == "other_declarant"
        heads["declarant"] = np.where(
            other, (heads["declarant"] + 123_457) % 10_000_000_000, heads["declarant"]
        )
        heads["registered"] += np.where(other, 2_000, 0)
        heads["zone"] = np.where(other, 0, heads["zone"])

    def spoil(self, batch: Batch, buffer: Array, ends: Array) -> bytes:
        """Give the NDJSON of a batch with its garbage spoiled."""
        rows = np.flatnonzero(batch.heads["garbage"] > 0)
        if len(rows) == 0:
            return buffer.tobytes()
        raw, parts, done = buffer.tobytes(), [], 0
        for i in rows:
            start, stop = int(ends[i - 1]) if i else 0, int(ends[i]) - 1
            kind = KINDS[batch.heads["garbage"][i] - 1]
            parts += [raw[done:start], kind.spoil(raw[start:stop])]
            done = stop
        parts.append(raw[done:])
        return b"".join(parts)

    def truth(self, records: Batch, when: date) -> list[dict[str, Any]]:
        """Say what each garbage record is and ought to become; line: its place in the day's file, from 1."""
        found = []
        for i in np.flatnonzero(records.heads["garbage"] > 0):
            kind = KINDS[records.heads["garbage"][i] - 1]
            found.append(
                {
                    "kind": kind.name,
                    "row": kind.row,
                    "file": f"{when.isoformat()}.ndjson",
                    "line": int(i) + 1,
                    "declaration_id": declaration_id(records.heads[i]),
                    "expect": kind.expect,
                    "code": kind.code,
                    "pointer": kind.pointer,
                }
            )
        return found


def _identity(heads: Array) -> Array:
    """i8: office, date and number as one."""
    date_part = heads["date"].astype(np.int64) * 100 + heads["id_office"]
    identity: Array = date_part * 10_000_000 + heads["sequence"]
    return identity
