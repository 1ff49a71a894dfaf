"""`corridor picture fit`: norms into a rulebook, and input that cannot be used."""

import shutil
from datetime import UTC, date, datetime

import pytest

from corridor.cli import main
from corridor.picture import norms
from corridor.picture.norms import PictureNorms
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, folder
from tests.picture.material import MONDAY, World


@pytest.fixture(scope="module")
def history(tmp_path_factory):
    root = tmp_path_factory.mktemp("history") / "h"
    span = folder.Span(date(2026, 11, 2), 7, 150, Options(garbage=0.05), "none")
    folder.write(Service(1), span, root, lambda day, records: None)
    return root


def fit(*words):
    with pytest.raises(SystemExit) as stop:
        main(["picture", "fit", *map(str, words)])
    return stop.value.code


def test_norms_are_written_beside_the_rules_and_sealed_with_them(history, tmp_path, capsys):
    book = tmp_path / "book"
    shutil.copytree(sample_path(), book)
    assert fit("--history", history, "--output", book, "--country", "RU", "--alarms", "0.2") == 0
    told = capsys.readouterr()
    assert "norms of" in told.out
    assert "seal the rulebook anew" in told.err
    norms = PictureNorms.load(book)
    assert (norms.country, norms.alarms) == ("RU", 0.2)
    assert ("service", "all") in norms.counts
    assert norms.prices
    first = (book / "picture.parquet").read_bytes()
    assert (
        fit("--history", history / "declarations", "--output", book, "--country", "RU", "--alarms", "0.2")
        == 0
    )
    assert (book / "picture.parquet").read_bytes() == first, "a second run gives the same"
    write_manifest(book, "with-norms", datetime(2026, 11, 9, tzinfo=UTC))
    assert load(book).version == "with-norms"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("--output", "BOOK", "--history", "nowhere"), "nowhere"),
        (("--output", "nowhere", "--history", "HISTORY"), "rules.yaml"),
        (("--output", "BOOK", "--history", "HISTORY", "--country", "XX"), "XX"),
        (("--output", "BOOK", "--history", "HISTORY", "--alarms", "0"), "alarms"),
        (("--output", "BOOK", "--history", "EMPTY"), "ndjson"),
    ],
)
def test_what_cannot_be_used_is_refused_and_nothing_is_written(history, tmp_path, capsys, words, told):
    book, empty = tmp_path / "book", tmp_path / "empty"
    shutil.copytree(sample_path(), book)
    empty.mkdir()
    before = sorted(path.name for path in book.iterdir())
    places = {"BOOK": book, "HISTORY": history, "EMPTY": empty}
    assert fit(*(places.get(word, word) for word in words)) == 2
    assert told in capsys.readouterr().err
    assert sorted(path.name for path in book.iterdir()) == before


def test_norms_of_an_earlier_version_are_refused_before_a_run_and_by_the_check(tmp_path, capsys):
    """They are read when a run ends; a run must not take its time for nothing."""
    book, input_ = tmp_path / "book", tmp_path / "in.ndjson"
    shutil.copytree(sample_path(), book)
    norms.save(norms.fit(World(4).draw(MONDAY, 7, 1)).replace_schema_metadata({"alarms": "0.05"}), book)
    write_manifest(book, "v1", datetime(2026, 1, 1, tzinfo=UTC))
    input_.write_text("{}\n")
    run = [
        "run",
        "decide",
        "--input",
        str(input_),
        "--rulebook",
        str(book),
        "--output",
        str(tmp_path / "out"),
    ]
    for command in (["rulebook", "check", str(book)], run):
        with pytest.raises(SystemExit) as stop:
            main(command)
        assert stop.value.code == 2
        assert "fit the picture's norms again" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
