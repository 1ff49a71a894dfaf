"""Reading folders of NDJSON, and results joined to their items."""

from pathlib import Path

import pytest

from corridor.errors import InputError
from corridor.messages.tokens import token
from corridor.study.lineage import lineage
from corridor.study.read import read
from corridor.study.results import read_results
from tests.study.service import batch, declaration, item, result, write


def test_files_in_order_with_the_texts_of_hashed_tokens(tmp_path: Path) -> None:
    foreign = declaration("late", importer="\u0410-Cyrillic", items=[item(1), item(2, unit="LONGUNIT")])
    write(tmp_path / "b.ndjson", [foreign])
    bad = {"not": "a declaration"}
    write(tmp_path / "a.ndjson", [declaration("early"), bad, declaration("next", exporter=None)])
    reading = read(tmp_path, threads=2)
    assert [reading.declarations.texts(i)[0] for i in range(3)] == ["early", "next", "late"]
    assert reading.rejected == 1
    assert reading.text(token("CN-0004711")) == "CN-0004711"
    assert reading.text(token("LONGUNIT")) == "LONGUNIT"
    assert reading.text(token("FOB")) == "FOB"
    assert reading.declarations.offsets.tolist() == [0, 1, 2, 4]
    assert reading.text(int(reading.declarations.heads["importer"][2])) == "A-Cyrillic"


@pytest.mark.parametrize("make", [lambda p: None, lambda p: p.mkdir()])
def test_nothing_to_read(tmp_path: Path, make) -> None:  # type: ignore[no-untyped-def]
    make(tmp_path / "x")
    with pytest.raises(InputError, match=r"\.ndjson"):
        read(tmp_path / "x")


def test_results_speak_of_the_newest_version(tmp_path: Path) -> None:
    first = declaration("a", items=[item(1), item(2)])
    second = declaration("a", version=2, function="amendment", items=[item(1), item(2)])
    declarations = batch([first, second, declaration("b")])
    results = [
        result("a", 2, "2026-11-03T00:00:00Z", "none", None),
        result("a", 2, "2026-11-04T00:00:00+03:00", "critical", 5),
        result("b", 1, "2026-11-03T00:00:00.5Z", "none", 0.0),
        result("zz", 1, "2026-11-03T00:00:00Z", "none", 0),
    ]
    write(tmp_path / "r.ndjson", results)
    found = read_results(tmp_path, declarations, lineage(declarations))
    assert found.item.tolist() == [3, 4]
    assert found.hit.tolist() == [True, False]
    assert found.recovered.tolist() == [5.0, 0.0]
    assert found.unmatched == 1
    assert found.at[0] == 1793739600_000000


def test_a_strange_finding_is_named(tmp_path: Path) -> None:
    path = write(tmp_path / "r.ndjson", [result("a", 1, "2026-11-03T00:00:00Z", "maybe", 0)])
    declarations = batch([declaration("a")])
    lines = lineage(declarations)
    with pytest.raises(InputError, match=r"r\.ndjson, line 1 .*'maybe'"):
        read_results(path, declarations, lines)
