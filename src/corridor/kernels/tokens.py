"""Tokens of many texts at once: `messages.tokens.token` and `hs_token` for whole columns."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly

C1, C2 = np.uint64(0x87C37B91114253D5), np.uint64(0x4CF5AD432745937F)
M1, M2 = np.uint64(0xFF51AFD7ED558CCD), np.uint64(0xC4CEB9FE1A85EC53)
SEED, STEP, FIVE = np.uint64(0x436F727269646F72), np.uint64(0x52DCE729), np.uint64(5)
SIGN, S33, EIGHT = np.uint64(1 << 63), np.uint64(33), np.uint64(8)


@inline
def _turn(x: Any, left: Any) -> Any:
    return (x << np.uint64(left)) | (x >> np.uint64(64 - left))


@inline
def _packed(text: Any, start: Any, length: Any) -> Any:
    """Pack up to 7 bytes and their number; 0 if one of them is not ASCII."""
    value = np.uint64(0)
    for i in range(start, start + length):
        if text[i] >= 128:
            return np.int64(0)
        value = (value << EIGHT) | np.uint64(text[i])
    return np.int64((value << EIGHT) | np.uint64(length))


@inline
def _hashed(text: Any, start: Any, length: Any) -> Any:
    h = SEED ^ np.uint64(length)
    for word in range(0, length, 8):
        k = np.uint64(0)
        for i in range(min(8, length - word)):
            k |= np.uint64(text[start + word + i]) << np.uint64(8 * i)
        h = _turn(h ^ (_turn(k * C1, 31) * C2), 27) * FIVE + STEP
    h ^= h >> S33
    h *= M1
    h ^= h >> S33
    h *= M2
    h ^= h >> S33
    return np.int64(h | SIGN)


@inline
def _token(text: Any, start: Any, length: Any) -> Any:
    value = _packed(text, start, length) if length <= 7 else np.int64(0)
    return _hashed(text, start, length) if value == 0 and length > 0 else value


@inline
def _hs_token(text: Any, start: Any, length: Any) -> Any:
    """Give value * 16 + digits for up to 15 digits, the negative token for anything else."""
    value = np.int64(0)
    for i in range(start, start + length):
        digit = np.int64(text[i]) - 48
        if length > 15 or digit < 0 or digit > 9:
            return -abs(_token(text, start, length))
        value = value * 10 + digit
    return value * 16 + length


@kernel
def _tokens(text: Any, offsets: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i] = _token(text, offsets[i], offsets[i + 1] - offsets[i])


@kernel
def _hs_tokens(text: Any, offsets: Any, out: Any) -> None:
    for i in range(out.shape[0]):
        out[i] = _hs_token(text, offsets[i], offsets[i + 1] - offsets[i])


def tokens(text: Any, offsets: Any) -> NDArray[np.int64]:
    """int64[n]: the token of each of n texts; text uint8[...] in UTF-8, text i at offsets[i:i + 2]."""
    bounds = readonly(offsets, np.int64)
    out = np.empty(max(len(bounds) - 1, 0), np.int64)
    _tokens(readonly(text, np.uint8), bounds, out)
    return out


def hs_tokens(text: Any, offsets: Any) -> NDArray[np.int64]:
    """int64[n]: the HS token of each of n texts, given as for `tokens`."""
    bounds = readonly(offsets, np.int64)
    out = np.empty(max(len(bounds) - 1, 0), np.int64)
    _hs_tokens(readonly(text, np.uint8), bounds, out)
    return out
