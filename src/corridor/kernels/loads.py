"""Loads from a byte array that numba has no words for: eight bytes at once, 32 bytes compared at once.

Each becomes one to five machine instructions; the caller keeps 64 bytes of padding behind the data.
These are code generators, not njit functions: after an edit here touch the files that use them, because
numba's cache looks at the caller's file only.
"""

from collections.abc import Callable
from typing import Any, cast

from llvmlite import ir  # type: ignore[import-untyped]
from numba import types
from numba.extending import intrinsic

_BYTE, _WORD, _FLAG = ir.IntType(8), ir.IntType(64), ir.IntType(1)
_LANES = ir.VectorType(_BYTE, 32)


def _pointer(context: Any, builder: Any, signature: Any, args: Any) -> Any:
    array = context.make_array(signature.args[0])(context, builder, args[0])
    return builder.gep(array.data, [args[1]])


@intrinsic
def _byte_at(typing: Any, buffer: Any, place: Any) -> Any:
    """Byte `place` of a uint8 array as int64; no wrap-around, no check."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.zext(builder.load(_pointer(context, builder, signature, args)), _WORD)

    return types.int64(buffer, types.int64), code


@intrinsic
def _word_at(typing: Any, buffer: Any, place: Any) -> Any:
    """Bytes `place` to `place` + 7 as a little-endian uint64."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.bitcast(_pointer(context, builder, signature, args), _WORD.as_pointer())
        return builder.load(pointer, align=1)

    return types.uint64(buffer, types.int64), code


@intrinsic
def _put_word(typing: Any, buffer: Any, place: Any, word: Any) -> Any:
    """Store a uint64 at bytes `place` to `place` + 7, little endian."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.bitcast(_pointer(context, builder, signature, args), _WORD.as_pointer())
        builder.store(args[2], pointer, align=1)
        return context.get_dummy_value()

    return types.void(buffer, types.int64, types.uint64), code


@intrinsic
def _stops(typing: Any, buffer: Any, place: Any) -> Any:
    """Bit i: byte `place` + i ends a run of plain string bytes (quote, backslash, control, non-ASCII)."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        pointer = builder.bitcast(_pointer(context, builder, signature, args), _LANES.as_pointer())
        lanes = builder.load(pointer, align=1)
        found = builder.icmp_signed("<", lanes, ir.Constant(_LANES, [0x20] * 32))  # signed: also >= 0x80
        for sign in b'"\\\x7f':
            same = builder.icmp_unsigned("==", lanes, ir.Constant(_LANES, [sign] * 32))
            found = builder.or_(found, same)
        return builder.zext(builder.bitcast(found, ir.IntType(32)), _WORD)

    return types.uint64(buffer, types.int64), code


@intrinsic
def _trailing_zeros(typing: Any, word: Any) -> Any:
    """Zero bits below the lowest set bit of a uint64; 64 for 0."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.cttz(args[0], ir.Constant(_FLAG, 0))

    return types.int64(types.uint64), code


@intrinsic
def _swap_bytes(typing: Any, word: Any) -> Any:
    """Reverse the eight bytes of a uint64."""

    def code(context: Any, builder: Any, signature: Any, args: Any) -> Any:
        return builder.bswap(args[0])

    return types.uint64(types.uint64), code


byte_at = cast("Callable[[Any, int], int]", _byte_at)
word_at = cast("Callable[[Any, int], Any]", _word_at)
put_word = cast("Callable[[Any, int, Any], None]", _put_word)
stops = cast("Callable[[Any, int], Any]", _stops)
trailing_zeros = cast("Callable[[Any], int]", _trailing_zeros)
swap_bytes = cast("Callable[[Any], Any]", _swap_bytes)
