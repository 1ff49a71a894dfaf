"""The random control group: a keyed hash of declaration_id, unpredictable outside, equal on replay.

BLAKE2b (RFC 7693) with an 8-byte digest and a key, equal to
`hashlib.blake2b(data, digest_size=8, key=key)`.
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.kernels._jit import inline, kernel, readonly

IV: Final = np.array(
    [
        0x6A09E667F3BCC908,
        0xBB67AE8584CAA73B,
        0x3C6EF372FE94F82B,
        0xA54FF53A5F1D36F1,
        0x510E527FADE682D1,
        0x9B05688C2B3E6C1F,
        0x1F83D9ABFB41BD6B,
        0x5BE0CD19137E2179,
    ],
    np.uint64,
)
SIGMA: Final = np.array(
    [
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
        [11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4],
        [7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8],
        [9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13],
        [2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9],
        [12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11],
        [13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10],
        [6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5],
        [10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15],
        [14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3],
    ],
    np.uint8,
)
BLOCK: Final = 128
ALL_ONES: Final = np.uint64(0xFFFFFFFFFFFFFFFF)


@inline
def _turn(x: Any, right: Any) -> Any:
    return (x >> np.uint64(right)) | (x << np.uint64(64 - right))


@inline
def _quarter(v: Any, a: Any, b: Any, c: Any, d: Any, x: Any, y: Any) -> None:
    """RFC 7693, 3.1: the mixing function G."""
    v[a] += v[b] + x
    v[d] = _turn(v[d] ^ v[a], 32)
    v[c] += v[d]
    v[b] = _turn(v[b] ^ v[c], 24)
    v[a] += v[b] + y
    v[d] = _turn(v[d] ^ v[a], 16)
    v[c] += v[d]
    v[b] = _turn(v[b] ^ v[c], 63)


@inline
def _compress(h: Any, m: Any, v: Any, count: Any, last: Any) -> None:
    """RFC 7693, 3.2: the compression function F; `count` bytes so far, with this block."""
    v[:8] = h
    v[8:] = IV
    v[12] ^= np.uint64(count)
    if last:
        v[14] ^= ALL_ONES
    for r in range(12):
        s = SIGMA[r]
        for i in range(4):
            _quarter(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]])
        for i in range(4):
            b, c, d = 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4
            _quarter(v, i, b, c, d, m[s[8 + 2 * i]], m[s[9 + 2 * i]])
    h ^= v[:8] ^ v[8:]


@inline
def _words(m: Any, text: Any, start: Any, size: Any) -> None:
    """Up to 128 bytes as sixteen little-endian words, zeros behind them."""
    m[:] = np.uint64(0)
    for i in range(size):
        m[i >> 3] |= np.uint64(text[start + i]) << np.uint64((i & 7) * 8)


@kernel
def _digests(text: Any, starts: Any, lengths: Any, key: Any, out: Any) -> None:
    m = np.empty(16, np.uint64)
    v = np.empty(16, np.uint64)
    h = np.empty(8, np.uint64)
    keyed = IV.copy()
    keyed[0] ^= np.uint64(0x01010000 ^ (key.shape[0] << 8) ^ 8)
    if key.shape[0] > 0:
        _words(m, key, 0, key.shape[0])
    first = m.copy()
    before = BLOCK if key.shape[0] > 0 else 0
    after_key = keyed.copy()
    if before:
        _compress(after_key, first, v, BLOCK, False)
    for i in range(starts.shape[0]):
        start, left, count = starts[i], lengths[i], before
        if before and left == 0:
            h[:] = keyed
            _compress(h, first, v, BLOCK, True)
        else:
            h[:] = after_key
        while left > BLOCK:
            _words(m, text, start, BLOCK)
            count += BLOCK
            _compress(h, m, v, count, False)
            start += BLOCK
            left -= BLOCK
        if left > 0 or not before:
            _words(m, text, start, left)
            _compress(h, m, v, count + left, True)
        out[i] = h[0]


def digests(text: Any, starts: Any, lengths: Any, key: bytes) -> NDArray[np.uint64]:
    """uint64[n]: BLAKE2b-64 of text uint8[...][starts : starts + lengths], read little end first.

    starts, lengths: int64[n]; key: at most 64 bytes. Raises ValueError for a slice that leaves
    the text or a longer key.
    """
    begin, size = readonly(starts, np.int64), readonly(lengths, np.int64)
    buffer = readonly(text, np.uint8)
    if len(key) > 64:
        raise ValueError(f"a key of {len(key)} bytes; BLAKE2b takes at most 64")
    if len(begin) and (begin.min() < 0 or size.min() < 0 or (begin + size).max() > len(buffer)):
        raise ValueError("a slice leaves the text buffer; starts and lengths do not belong to it")
    out = np.empty(len(begin), np.uint64)
    _digests(buffer, begin, size, readonly(np.frombuffer(key, np.uint8), np.uint8), out)
    return out


def draw(text: Any, starts: Any, lengths: Any, key: bytes) -> NDArray[np.float64]:
    """float64[n] in [0, 1): the draw of each slice of the text, uniform to whoever lacks the key.

    The digest read big end first, its upper 53 bits as a fraction. Arguments as for `digests`.
    """
    bits = digests(text, starts, lengths, key).byteswap() >> np.uint64(11)
    return bits.astype(np.float64) * 2.0**-53
