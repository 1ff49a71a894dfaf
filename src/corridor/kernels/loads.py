"""Memory by address, eight bytes at once, 32 compared at once: what numba has no words for.

The scanner works on addresses (int64) instead of arrays: its steps then take three numbers where an
array would be passed as seven, which halves both its time and the time to compile it. Whoever calls it
keeps the arrays alive and leaves 64 bytes of padding behind the data. Each of these is one to five
machine instructions. They are code generators, not njit functions.
"""

from collections.abc import Callable
from typing import Any, cast

import numpy as np
from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

_BYTE, _WORD, _FLAG = ir.IntType(8), ir.IntType(64), ir.IntType(1)
_LANES = ir.VectorType(_BYTE, 32)


def _load(builder: Any, address: Any, kind: Any) -> Any:
    return builder.load(builder.inttoptr(address, kind.as_pointer()), align=1)


def _store(builder: Any, address: Any, value: Any) -> None:
    builder.store(value, builder.inttoptr(address, value.type.as_pointer()), align=1)


@intrinsic
def _byte_at(typing: Any, address: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.zext(_load(builder, args[0], _BYTE), _WORD)

    return types.int64(types.int64), code


@intrinsic
def _word_at(typing: Any, address: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _load(builder, args[0], _WORD)

    return types.uint64(types.int64), code


@intrinsic
def _get(typing: Any, base: Any, place: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return _load(builder, builder.add(args[0], builder.shl(args[1], ir.Constant(_WORD, 3))), _WORD)

    return types.int64(types.int64, types.int64), code


@intrinsic
def _put(typing: Any, base: Any, place: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _store(builder, builder.add(args[0], builder.shl(args[1], ir.Constant(_WORD, 3))), args[2])
        return context.get_dummy_value()

    return types.void(types.int64, types.int64, types.int64), code


@intrinsic
def _put_word(typing: Any, address: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _store(builder, args[0], args[1])
        return context.get_dummy_value()

    return types.void(types.int64, types.uint64), code


@intrinsic
def _put_byte(typing: Any, address: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        _store(builder, args[0], builder.trunc(args[1], _BYTE))
        return context.get_dummy_value()

    return types.void(types.int64, types.int64), code


@intrinsic
def _float_bits(typing: Any, value: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], _WORD)

    return types.int64(types.float64), code


@intrinsic
def _float_of(typing: Any, bits: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bitcast(args[0], ir.DoubleType())

    return types.float64(types.int64), code


@intrinsic
def _stops(typing: Any, address: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = _load(builder, args[0], _LANES)
        found = builder.icmp_signed("<", lanes, ir.Constant(_LANES, [0x20] * 32))  # signed: also >= 0x80
        for sign in b'"\\\x7f':
            same = builder.icmp_unsigned("==", lanes, ir.Constant(_LANES, [sign] * 32))
            found = builder.or_(found, same)
        return builder.zext(builder.bitcast(found, ir.IntType(32)), _WORD)

    return types.uint64(types.int64), code


@intrinsic
def _newlines(typing: Any, address: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        lanes = _load(builder, args[0], _LANES)
        found = builder.icmp_unsigned("==", lanes, ir.Constant(_LANES, [0x0A] * 32))
        return builder.zext(builder.bitcast(found, ir.IntType(32)), _WORD)

    return types.uint64(types.int64), code


@intrinsic
def _trailing_zeros(typing: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(_FLAG, 0))

    return types.int64(types.uint64), code


@intrinsic
def _swap_bytes(typing: Any, word: Any) -> Any:
    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bswap(args[0])

    return types.uint64(types.uint64), code


def typed(number: int) -> int:
    """A constant as int64: for each literal number it is given, numba compiles a function anew."""
    return cast("int", np.int64(number))


byte_at = cast("Callable[[int], int]", _byte_at)
"""The byte at an address."""
word_at = cast("Callable[[int], Any]", _word_at)
"""The eight bytes from an address on as a little-endian uint64."""
get = cast("Callable[[int, int], int]", _get)
"""get(base, i): the i-th int64 from an address on."""
put = cast("Callable[[int, int, int], None]", _put)
"""put(base, i, value): store the i-th int64 from an address on."""
put_word = cast("Callable[[int, Any], None]", _put_word)
"""Store a uint64 in eight bytes from an address on."""
put_byte = cast("Callable[[int, int], None]", _put_byte)
"""Store the lowest byte of a number at an address."""
float_bits = cast("Callable[[float], int]", _float_bits)
"""The bits of a float64 as int64."""
float_of = cast("Callable[[int], float]", _float_of)
"""The float64 that has these bits."""
stops = cast("Callable[[int], Any]", _stops)
"""Bit i: the byte at address + i ends a run of plain string bytes (quote, backslash, control, non-ASCII)."""
newlines = cast("Callable[[int], Any]", _newlines)
"""Bit i: the byte at address + i is a line end."""
trailing_zeros = cast("Callable[[Any], int]", _trailing_zeros)
"""Zero bits below the lowest set bit of a uint64; 64 for 0."""
swap_bytes = cast("Callable[[Any], Any]", _swap_bytes)
"""The eight bytes of a uint64 in reverse."""
