"""result.v1: what a customs check found; NDJSON to columns, and back."""

import os
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_EVEN, Decimal
from pathlib import Path
from typing import Annotated, Any, Final, Literal

import msgspec
import numpy as np
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.columns import NO_MONEY
from corridor.messages.moment import moment
from corridor.messages.moment_text import rfc3339
from corridor.messages.vocabulary import FINDINGS

Array = NDArray[Any]


_CENT: Final = Decimal("0.01")
_LARGEST: Final = Decimal(10) ** 16


class Result(msgspec.Struct, frozen=True):
    """One result.v1 as it stands in JSON; unknown fields are accepted."""

    declaration_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    at: str
    finding: Literal["none", "violation", "critical"]
    item_no: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)] | None = None
    recovered: Decimal | None = None


@dataclass(frozen=True, slots=True)
class Results:
    """n results as columns.

    declaration_id: object[n] of str; item_no: int32[n], 0 for the declaration as a whole; at: int64[n],
    microseconds since 1970; finding: int8[n], index into vocabulary.FINDINGS; recovered: int64[n], minor
    units, NO_MONEY if not known.
    """

    declaration_id: Array
    item_no: Array
    at: Array
    finding: Array
    recovered: Array

    def __len__(self) -> int:
        return len(self.at)


_decode = msgspec.json.Decoder(Result).decode


def decode(lines: Iterable[bytes], where: str = "results") -> Results:
    """Decode one result a line; blank lines are passed over. InputError names `where`, line and fault."""
    rows = [_row(line, f"{where}, line {n}") for n, line in enumerate(lines, 1) if line.strip()]
    columns = list(zip(*rows, strict=True)) or [()] * 5
    return Results(
        np.array(columns[0], object),
        np.array(columns[1], np.int32),
        np.array(columns[2], np.int64),
        np.array(columns[3], np.int8),
        np.array(columns[4], np.int64),
    )


def read(path: Path) -> Results:
    """Read the results of an NDJSON file, or of a folder's *.ndjson files in the order of their names."""
    files = sorted(path.glob("*.ndjson")) if path.is_dir() else [path]
    if not files and not os.access(path, os.R_OK | os.X_OK):
        raise InputError(f"{path}: no permission to read it; change its rights or run as another user")
    if not files:
        raise InputError(f"{path} holds no *.ndjson file; give a file or folder of result.v1")
    parts = []
    for file in files:
        try:
            lines = file.read_bytes().split(b"\n")
        except OSError as error:
            raise InputError(f"{file} cannot be read: {error.strerror}; give a file of result.v1") from None
        parts.append(decode(lines, str(file)))
    names = ("declaration_id", "item_no", "at", "finding", "recovered")
    return Results(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))


def encode(results: Results) -> list[bytes]:
    """result.v1 of each row, without line ends."""
    return [
        msgspec.json.encode(
            {
                "declaration_id": results.declaration_id[i],
                "item_no": int(results.item_no[i]) or None,
                "at": rfc3339(int(results.at[i])),
                "finding": FINDINGS[results.finding[i]],
                "recovered": _decimals(int(results.recovered[i])),
            }
        )
        for i in range(len(results))
    ]


def _decimals(minor: int) -> msgspec.Raw | None:
    return None if minor == NO_MONEY else msgspec.Raw(f"{Decimal(minor).scaleb(-2):.2f}".encode())


def _row(line: bytes, where: str) -> Sequence[Any]:
    try:
        found = _decode(line)
    except (msgspec.MsgspecError, UnicodeDecodeError) as error:
        raise InputError(f"{where} is no result.v1: {error}; mend the line or leave it out") from None
    at = moment(found.at)
    if at is None or not at.has_offset:
        raise InputError(f"{where}: `at` is {found.at!r}; give RFC 3339 with offset, as 2026-11-23T14:02:00Z")
    amount = NO_MONEY if found.recovered is None else _minor(found.recovered, where)
    return found.declaration_id, found.item_no or 0, at.microseconds, FINDINGS.index(found.finding), amount


def _minor(recovered: Decimal, where: str) -> int:
    if recovered.is_nan() or not 0 <= recovered < _LARGEST:
        raise InputError(f"{where}: `recovered` is {recovered}; give an amount of zero or more, or null")
    return int(recovered.quantize(_CENT, ROUND_HALF_EVEN) * 100)
