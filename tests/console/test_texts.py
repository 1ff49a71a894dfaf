import json
import re

import pytest

from corridor.messages.anomaly_texts import GROUPS, KINDS, SUBJECTS
from corridor.messages.reject import REJECT_CODES
from corridor.messages.vocabulary import BASES
from tests.conftest import ROOT

ASSETS = ROOT / "src" / "corridor" / "console" / "assets"
TEXTS = json.loads((ASSETS / "texts.json").read_text(encoding="utf-8"))
SCRIPTS = {
    path.name: path.read_text(encoding="utf-8") for path in ASSETS.glob("*.js") if "uPlot" not in path.name
}
PAGE = (ASSETS / "index.html").read_text(encoding="utf-8")


def asked() -> set[str]:
    """The keys that the page and its scripts name in full."""
    found = set(re.findall(r'data-(?:t|label|placeholder)="([\w.]+)"', PAGE))
    for script in SCRIPTS.values():
        found |= set(re.findall(r'\bt\("([\w.]+)"', script))
        found |= {
            key for pair in re.findall(r'\? "(\w+)" : "(\w+)"\)', script) for key in pair if key in TEXTS
        }
    return found


def test_every_key_speaks_both_languages():
    for key, text in TEXTS.items():
        assert text.keys() == {"en", "ru"}, key
        if key not in {"hs.77", "column.p95"}:  # a chapter that the Harmonized System keeps free
            assert text["en"], key
            assert re.search("[А-Яа-я]", text["ru"]) or text["ru"] in {"s", "НДС"}, key
        places = [sorted(re.findall(r"\{(\w+)\}", one)) for one in text.values()]
        assert places[0] == places[1], key


def test_every_key_that_is_asked_for_is_there():
    assert len(asked()) > 100
    assert asked() <= TEXTS.keys()


@pytest.mark.parametrize(
    ("group", "names"),
    [
        ("kind", KINDS),
        ("subject", SUBJECTS),
        ("group", GROUPS),
        ("reject", REJECT_CODES),
        ("basis", BASES),
        ("corridor", ("green", "blue", "yellow", "red")),
        ("letter", ("green", "blue", "yellow", "red")),
        ("severity", ("info", "warning", "critical")),
        ("state", ("opened", "worsened", "closed")),
        ("transport_mode", map(str, range(1, 10))),
        ("hs", (f"{n:02d}" for n in range(1, 98))),
    ],
)
def test_every_word_of_the_messages_has_a_text(group, names):
    assert {f"{group}.{name}" for name in names} <= TEXTS.keys()


def test_the_page_makes_no_markup_of_texts_and_loads_nothing_from_elsewhere():
    for name, script in SCRIPTS.items():
        assert not re.search(
            r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function", script
        ), name
        assert "cookie" not in script
    for text in (PAGE, *SCRIPTS.values(), *(path.read_text() for path in ASSETS.glob("*.css"))):
        places = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[\w./-]*", text)) - {
            "http://www.w3.org/2000/svg",
            "http://www.w3.org/1999/xhtml",
        }
        assert not places
    assert not re.search(r"<script(?![^>]*src=)|<style|\son\w+=|\sstyle=", PAGE)


def luminance(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts]
    return sum(w * c for w, c in zip((0.2126, 0.7152, 0.0722), linear, strict=True))


def contrast(one: str, other: str) -> float:
    """Source: WCAG 2.2, contrast ratio."""
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("selector", [":root {", ':root[data-theme="dark"] {'])
def test_texts_are_read_by_everybody(selector):
    """Contrast AA: 4.5 for texts; letters on the corridors' colours too."""
    style = (ASSETS / "style.css").read_text()
    colours = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", style[style.index(selector) :].split("}")[0]))
    for text in ("ink", "dim", "accent", "warn", "grave", "fine"):
        for ground in ("card", "paper", "raised"):
            assert contrast(colours[text], colours[ground]) >= 4.5, (text, ground)
    for corridor in ("green", "blue", "red"):
        assert contrast("#ffffff", colours[corridor]) >= 4.5, corridor
    assert contrast(colours["on-yellow"], colours["yellow"]) >= 4.5
