"""Texts that look alike have one skeleton; case and ASCII stay."""

import unicodedata

import pytest

from corridor.messages.skeleton import match, skeleton
from corridor.messages.tokens import token


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("IMPORT-0O1l", "IMPORT-0O1l"),  # ASCII stays as it is
        ("АВЕІЈКМНОРЅТУХ", "ABEIJKMHOPSTYX"),
        ("аеіјорѕсух", "aeijopscyx"),
        ("ΑΒΕΖΗΙΚΜΝΟΡΤΥΧ", "ABEZHIKMNOPTYX"),
        ("\u2160\uff29", "II"),  # by NFKC
        ("K\u200bZ\u202e-1", "KZ-1"),
        ("Ж", "Ж"),
    ],
)
def test_what_looks_alike_has_one_form(text: str, form: str) -> None:
    assert skeleton(text) == form
    assert match(text.encode()) == (token(form), form != text)


@pytest.mark.parametrize("script", ["CYRILLIC", "GREEK"])
def test_no_capital_of_a_script_becomes_a_small_l(script: str) -> None:
    signs = [chr(code) for code in range(0x370, 0x530)]
    capitals = [sign for sign in signs if sign.isupper() and unicodedata.name(sign, "").startswith(script)]
    assert len(capitals) > 50
    assert [sign for sign in capitals if skeleton(sign) == "l"] == []
