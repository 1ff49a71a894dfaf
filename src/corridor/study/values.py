"""Values of `corridor convert`: one field of a mapping, compiled to a function from a row to JSON text.

A compiled field gives the JSON of its value, or "" where there is none. What cannot be read raises
BadValueError with the column and what to do; the converter adds the line.
"""

import json
import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from decimal import ROUND_HALF_EVEN, Decimal, DecimalException, InvalidOperation
from functools import lru_cache
from hashlib import blake2b
from typing import Any, Final

from corridor.errors import InputError
from corridor.study.mapping import Field, Mapping
from corridor.study.sheet import Row

Reader = Callable[[Row], str]
Rule = Callable[[str], str]
_PLAIN: Final = re.compile(r"-?(0|[1-9]\d{0,17})(\.\d{1,12})?")
_CENT: Final = Decimal("0.01")
_OFFSET: Final = re.compile(r"([+-])(\d\d):(\d\d)")
MEMO: Final = 100_000
"""Codes, names and days repeat: so many texts of a field are remembered."""


class BadValueError(Exception):
    """A text that a field cannot take: the column it stood in and what to do."""

    def __init__(self, column: str, problem: str) -> None:
        super().__init__(column, problem)
        self.column, self.problem = column, problem


def reader(field: Field, mapping: Mapping, places: dict[str, int]) -> Reader:
    """Compile a field for rows whose columns stand at `places`."""
    if field.source == "constant":
        text = _constant(field)
        return lambda row: text
    if field.source == "expression":
        return _formula(field, mapping, places)
    if field.type == "time":
        return _time(field, mapping, places)
    convert = {"text": _text, "integer": _integer, "number": _number, "money": _number}[field.type](
        field, mapping
    )
    default, column = field.rules.get("default"), "+".join(field.columns())
    absent = "" if default is None else json.dumps(str(default) if field.type == "text" else default)

    clean = _cleaned(field, mapping)

    def value(text: str) -> str:
        text = clean(text)
        if text:
            return convert(text)
        if not absent and field.required:
            raise _needed(field, column)
        return absent

    return _remembered(_source(field, clean, places, ""), value)


def _source(field: Field, clean: Rule, places: dict[str, int], separator: str) -> Reader | int:
    """The place of the column; for several columns a reader that joins those with a value."""
    if field.source == "column":
        return places[field.value]
    spots, separator = [places[name] for name in field.value], str(field.rules.get("separator", separator))
    return lambda row: separator.join(filter(None, (clean(row[spot]) for spot in spots)))


def _remembered(take: Reader | int, value: Rule) -> Reader:
    """Keep the JSON of texts, since most come again; `take`: the place of a column, or a reader."""
    memo: dict[str, str] = {}

    def read(row: Row) -> str:
        text = row[take] if isinstance(take, int) else take(row)
        found = memo.get(text)
        if found is None:
            found = value(text)
            if len(memo) < MEMO:
                memo[text] = found
        return found

    return read


def _constant(field: Field) -> str:
    """The constant as JSON of the field's type: 007 in quotes stays text where text is meant."""
    if field.type in ("text", "time"):
        return json.dumps(str(field.value), ensure_ascii=False)
    if isinstance(field.value, bool) or not isinstance(field.value, int | float):
        raise InputError(f"{field.name}: the constant must be a number, not {field.value!r}")
    return json.dumps(field.value)


def _cleaned(field: Field, mapping: Mapping) -> Rule:
    """A text without white space around it; "" for a missing-value mark."""
    missing, strip = mapping.missing, field.rules.get("strip", True)

    def clean(text: str) -> str:
        text = text.strip() if strip else text
        return "" if text in missing else text

    return clean


def _needed(field: Field, column: str) -> BadValueError:
    return BadValueError(
        column, f"no value, but {field.name} needs one; fill it or give a default in the mapping"
    )


def _coded(field: Field) -> Rule:
    """The rules for codes, in their order: first, last, pad, upper, then the code table."""
    first, last, pad = (field.rules.get(name) for name in ("first", "last", "pad"))
    upper, codes, other = (
        field.rules.get("upper"),
        field.rules.get("codes"),
        field.rules.get("other", "error"),
    )
    column = "+".join(field.columns())

    def apply(text: str) -> str:
        text = text[: int(first)] if first else text
        text = text[-int(last) :] if last else text
        text = text.zfill(int(pad)) if pad else text
        text = text.upper() if upper else text
        if codes is None or (text not in codes and other == "keep"):
            return text
        if text not in codes and other == "error":
            raise BadValueError(
                column, f"{text!r} is not in the code table of {field.name}; add it, or say other: keep"
            )
        return str(codes.get(text, other))

    return apply


def _text(field: Field, mapping: Mapping) -> Rule:
    coded = _coded(field)
    return lambda text: json.dumps(coded(text), ensure_ascii=False)


def _integer(field: Field, mapping: Mapping) -> Rule:
    coded, column = _coded(field), "+".join(field.columns())

    def convert(text: str) -> str:
        code = coded(text)
        if not re.fullmatch(r"-?\d{1,18}", code, re.ASCII):
            raise BadValueError(column, f"{code!r} is no whole number, but {field.name} needs one")
        return str(int(code))

    return convert


def _plain(mapping: Mapping) -> Rule:
    thousands, decimal = mapping.thousands, mapping.decimal

    def plain(text: str) -> str:
        if thousands:
            text = text.replace(thousands, "").replace("\u00a0" if thousands == " " else thousands, "")
        return text.replace(decimal, ".") if decimal != "." and "." not in text else text

    return plain


def decimal_of(text: str, column: str, mapping: Mapping) -> Decimal:
    """A number as the mapping writes it. Raises BadValueError."""
    try:
        value = Decimal(_plain(mapping)(text))
    except InvalidOperation:
        value = Decimal("NaN")
    if not value.is_finite() or abs(value) > Decimal(10) ** 17:
        raise BadValueError(
            column,
            f"{text!r} is no number; mend it, name it under input.missing, or state input.decimal and "
            "input.thousands",
        )
    return value


def _number(field: Field, mapping: Mapping) -> Rule:
    plain, column = _plain(mapping), "+".join(field.columns())
    step = _CENT if field.type == "money" else None
    if "decimals" in field.rules:
        step = Decimal(1).scaleb(-int(field.rules["decimals"]))

    def convert(text: str) -> str:
        easy = plain(text)
        if step is None and _PLAIN.fullmatch(easy):
            return easy
        value = decimal_of(text, column, mapping)
        return _shown(value if step is None else value.quantize(step, ROUND_HALF_EVEN))

    return convert


def _shown(value: Decimal) -> str:
    return "0" if value == 0 else format(value, "f")


def _formula(field: Field, mapping: Mapping, places: dict[str, int]) -> Reader:
    """A missing column makes the value missing."""
    formula = field.formula
    assert formula is not None
    spots = [(name, places[name]) for name in dict.fromkeys(formula.columns)]
    step = Decimal(1).scaleb(-int(field.rules.get("decimals", 2 if field.type == "money" else 6)))
    missing, names = mapping.missing, "+".join(name for name, _ in spots)
    number = lru_cache(MEMO)(lambda text, name: decimal_of(text, name, mapping))

    def read(row: Row) -> str:
        texts = [(name, row[spot].strip()) for name, spot in spots]
        if any(text in missing for _, text in texts):
            return _absent(field, names)
        try:
            value = formula({name: number(text, name) for name, text in texts})
            return _shown(value.quantize(step, ROUND_HALF_EVEN))
        except DecimalException as error:
            raise BadValueError(
                names, f"{field.name} cannot be computed ({type(error).__name__}); mend the values"
            ) from None

    return read


def _absent(field: Field, column: str) -> str:
    if field.required and "default" not in field.rules:
        raise _needed(field, column)
    return json.dumps(field.rules["default"]) if "default" in field.rules else ""


def _clock(text: Any, where: str) -> int:
    """Seconds since midnight of `"HH:MM"`."""
    found = re.fullmatch(r"([01]?\d|2[0-4]):([0-5]\d)", str(text))
    if found is None:
        raise InputError(f'{where}: {text!r} is no time of day; write it as "09:00", in quotes')
    return int(found[1]) * 3600 + int(found[2]) * 60


def _offset(field: Field) -> timedelta:
    found = _OFFSET.fullmatch(str(field.rules.get("offset", "")))
    if found is None:
        raise InputError(f'{field.name}: offset must be written as "+03:00", in quotes')
    shift = timedelta(hours=int(found[2]), minutes=int(found[3]))
    return -shift if found[1] == "-" else shift


def _time(field: Field, mapping: Mapping, places: dict[str, int]) -> Reader:
    """A local time to UTC; a day alone gets `time`, or is spread by a hash of another column."""
    form, shift, clean = str(field.rules["format"]), _offset(field), _cleaned(field, mapping)
    at = timedelta(seconds=_clock(field.rules.get("time", "00:00"), field.name))
    begin, length, by = _spread(field, places)
    column, take = "+".join(field.columns()), _source(field, clean, places, " ")

    @lru_cache(MEMO)
    def start(text: str) -> datetime:
        try:
            return datetime.strptime(text, form).replace(tzinfo=UTC) - shift + at
        except (ValueError, OverflowError):
            raise BadValueError(
                column, f"{text!r} does not fit the format {form!r}; mend it or the mapping"
            ) from None

    def shown(when: datetime) -> str:
        return f'"{when.isoformat(timespec="milliseconds")[:-6]}Z"'

    def value(text: str) -> str:
        text = clean(text)
        return shown(start(text)) if text else _absent(field, column)

    def spread(row: Row) -> str:
        text = clean(row[take] if isinstance(take, int) else take(row))
        if not text:
            return _absent(field, column)
        digest = blake2b(row[by].encode(), digest_size=8).digest()
        shift = timedelta(milliseconds=begin * 1000 + int.from_bytes(digest, "big") % (length * 1000))
        return shown(start(text) + shift)

    return spread if by >= 0 else _remembered(take, value)


def _spread(field: Field, places: dict[str, int]) -> tuple[int, int, int]:
    """Seconds from midnight, length in seconds, and the place of the column that spreads; -1 for none."""
    rule = field.rules.get("spread")
    if rule is None:
        return 0, 1, -1
    if not isinstance(rule, dict) or set(rule) != {"from", "to", "by"}:
        raise InputError(f"{field.name}: spread needs from, to and by (a column)")
    begin, end = _clock(rule["from"], field.name), _clock(rule["to"], field.name)
    if end <= begin:
        raise InputError(f"{field.name}: spread ends at {rule['to']}, which is not after {rule['from']}")
    return begin, end - begin, places[rule["by"]]
