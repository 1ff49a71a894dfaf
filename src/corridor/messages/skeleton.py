"""One form for texts that look alike, so that a Cyrillic letter in a code does not hide a participant.

ASCII texts are their own skeleton. Others pass NFKC, lose what cannot be seen (zero-width signs,
right-to-left marks and other format characters), and every sign that has an ASCII letter or digit
as its look-alike becomes that one. Source: Unicode Technical Standard 39, section 4, confusables.txt,
with two differences: ASCII signs stay, because most codes are ASCII and "0" is not "O" there; and a capital
that looks like a stroke (Cyrillic and Greek I) becomes the capital I, for which the table too writes a small l.
"""

import unicodedata
from collections.abc import Sequence
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import tokens as kernels
from corridor.messages.tokens import token


def skeleton(text: str) -> str:
    """The text by which a name or code is matched; equal to `text` for ASCII."""
    if text.isascii():
        return text
    seen = (sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
    return "".join(sign if sign.isascii() else _latin(sign) for sign in seen)


def odd_letter(text: str) -> str:
    """Words on the first sign of `text` that looks Latin and is not, or cannot be seen; "" if there is none."""
    for sign in text:
        form = skeleton(sign)
        if form != sign:
            name = unicodedata.name(sign, f"U+{ord(sign):04X}")
            return f"{sign!a} is {name}, " + (
                f"not the Latin {form}" if form else "which cannot be seen: take it out"
            )
    return ""


def tokens_of(texts: Sequence[str], hs: bool = False) -> NDArray[np.int64]:
    """int64[n]: the tokens (hs_tokens if hs) by which texts are matched; 0 for an empty one."""
    raw = [(text if text.isascii() else skeleton(text)).encode() for text in texts]
    offsets = np.zeros(len(raw) + 1, np.int64)
    np.cumsum(np.fromiter(map(len, raw), np.int64, len(raw)), out=offsets[1:])
    make = kernels.hs_tokens if hs else kernels.tokens
    return make(np.frombuffer(b"".join(raw), np.uint8), offsets)


@lru_cache(maxsize=1 << 16)
def match(raw: bytes) -> tuple[int, bool]:
    """The token by which a UTF-8 text is matched, and whether its skeleton differs from it."""
    text = raw.decode()
    form = skeleton(text)
    return token(form), form != text


@cache
def _latin(sign: str) -> str:
    """The ASCII letter or digit that looks like `sign`, else `sign` itself."""
    candidates = [c for c in _confusables().get(sign, ()) if len(c) == 1 and c.isascii() and c.isalnum()]
    if not candidates:
        return sign
    alike = [c for c in candidates if c.isupper() == sign.isupper() and c.isalpha() == sign.isalpha()]
    found = min(alike or candidates)
    return "I" if found == "l" and sign.isupper() else found


@cache
def _confusables() -> dict[str, tuple[str, ...]]:
    from confusable_homoglyphs import confusables  # noqa: PLC0415 - reads 1 MB, only once it is needed

    return {sign: tuple(row["c"] for row in rows) for sign, rows in confusables.confusables_data.items()}
