"""One form for texts that look alike, so that a Cyrillic letter in a code does not hide a participant.

ASCII texts are their own skeleton. Others pass NFKC, lose what cannot be seen (zero-width signs,
right-to-left marks and other format characters), and every sign that has an ASCII letter or digit
as its look-alike becomes that one. Source: Unicode Technical Standard 39, section 4, confusables.txt,
with two differences: ASCII signs stay, because most codes are ASCII and "0" is not "O" there; and a capital
that looks like a stroke (Cyrillic and Greek I) becomes the capital I, for which the table too writes a small l.
"""

import unicodedata
from functools import cache, lru_cache

from corridor.messages.tokens import token


def skeleton(text: str) -> str:
    """The text by which a name or code is matched; equal to `text` for ASCII."""
    if text.isascii():
        return text
    seen = (sign for sign in unicodedata.normalize("NFKC", text) if unicodedata.category(sign) != "Cf")
    return "".join(sign if sign.isascii() else _latin(sign) for sign in seen)


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
