"""A text as one int64, so that kernels compare codes and names without strings.

ASCII texts of at most 7 bytes are packed exactly: the bytes, big end first, in the upper 56 bits,
the length in the lowest 8. Any other text is hashed to 63 bits with the sign bit set, so the two
kinds never meet. 0 is the missing text. Collisions of the hash: about n^2 / 2^64 for n names.

HS codes are numbers with a length (`hs_token`): value * 16 + digits; a prefix is a division.
"""

from typing import Final

_M64: Final = (1 << 64) - 1
_C1: Final = 0x87C37B91114253D5
_C2: Final = 0x4CF5AD432745937F
_SEED: Final = 0x436F727269646F72  # "Corridor"


def _rotl(x: int, r: int) -> int:
    return ((x << r) | (x >> (64 - r))) & _M64


def token(text: str) -> int:
    """The token of a text (MurmurHash3-like mixing over 8-byte little-endian words)."""
    raw = text.encode()
    if len(raw) <= 7 and raw.isascii():
        return (int.from_bytes(raw, "big") << 8) | len(raw) if raw else 0
    h = _SEED ^ len(raw)
    for i in range(0, len(raw), 8):
        k = int.from_bytes(raw[i : i + 8], "little")
        k = _rotl(k * _C1 & _M64, 31) * _C2 & _M64
        h = (_rotl(h ^ k, 27) * 5 + 0x52DCE729) & _M64
    h ^= h >> 33
    h = h * 0xFF51AFD7ED558CCD & _M64
    h ^= h >> 33
    h = h * 0xC4CEB9FE1A85EC53 & _M64
    h ^= h >> 33
    h |= 1 << 63
    return h - (1 << 64)


def hs_token(text: str) -> int:
    """The token of an HS code: value * 16 + number of digits; negative `token` for other texts.

    Codes of other lengths than 6 to 10 digits keep this form up to 15 digits, so "0102" as a
    chapter or heading prefix has one too.
    """
    if 0 < len(text) <= 15 and text.isascii() and text.isdigit():
        return int(text) * 16 + len(text)
    return -abs(token(text)) if text else 0


def hs_text(code: int) -> str:
    """The digits of an hs_token, leading zeros kept; empty for codes with other signs."""
    return f"{code >> 4:0{code & 15}d}" if code > 0 else ""


def untoken(value: int) -> str | None:
    """The text of a token that was packed exactly; None for a hashed one."""
    if value < 0:
        return None
    return (value >> 8).to_bytes(value & 0xFF, "big").decode("ascii") if value else ""
