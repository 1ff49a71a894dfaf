"""`corridor simulate`: files, truth and refusals."""

import csv
import json
from datetime import date

import pytest
from click.testing import CliRunner

from corridor.cli import cli
from corridor.errors import InputError
from corridor.simulate import Options, Service
from corridor.simulate.folder import Span, write

ARGUMENTS = [
    "simulate",
    "--start",
    "2026-11-20",
    "--days",
    "3",
    "--per-day",
    "600",
    "--results",
    "--seed",
    "4",
]


def read(path):
    return [json.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = tmp_path_factory.mktemp("simulate") / "out"
    done = CliRunner().invoke(cli, [*ARGUMENTS, "--output", str(path), "--garbage", "0.02"])
    assert done.exit_code == 0, done.output
    return path


def test_the_folder_holds_days_results_rates_offices_and_truth(folder):
    days = ["2026-11-20.ndjson", "2026-11-21.ndjson", "2026-11-22.ndjson"]
    assert sorted(p.name for p in (folder / "declarations").iterdir()) == days
    assert sorted(p.name for p in (folder / "results").iterdir()) == days
    assert sorted(p.name for p in (folder / "truth").iterdir()) == [
        "days.ndjson",
        "garbage.ndjson",
        "planted.ndjson",
    ]
    for result in read(folder / "results" / days[0]):
        assert set(result) == {"declaration_id", "item_no", "at", "finding", "recovered"}


def test_counts_in_the_truth_are_those_of_the_files(folder):
    for line in read(folder / "truth" / "days.ndjson"):
        raw = (folder / "declarations" / f"{line['date']}.ndjson").read_bytes()
        assert raw.count(b"\n") == line["records"]
        assert line["records"] == sum(
            line[k] for k in ("originals", "amendments", "cancellations", "garbage")
        )


def test_events_fall_on_the_last_day_only(folder):
    kinds = {line["kind"]: line["case"] for line in read(folder / "truth" / "planted.ndjson")}
    assert "2026-11-22" in kinds["office_silent"]
    assert "2026-11-22" in kinds["share_jump"]


def test_rates_cover_a_week_before_the_span(folder):
    with (folder / "rates.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert min(row["date"] for row in rows) == "2026-11-13"
    assert max(row["date"] for row in rows) == "2026-11-22"
    assert {row["rate"] for row in rows if row["currency"] == "RUB"} == {"1"}


def test_a_day_is_the_same_in_another_span(folder, tmp_path):
    span = Span(date(2026, 11, 21), 1, 600, Options(results=True, garbage=0.02), "none")
    write(Service(4), span, tmp_path / "one", lambda when, records: None)
    for topic in ("declarations", "results"):
        name = f"{topic}/2026-11-21.ndjson"
        assert (tmp_path / "one" / name).read_bytes() == (folder / name).read_bytes()


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"days": 0}, "at least 1"),
        ({"start": date(1999, 1, 1)}, "--start"),
        ({"options": Options(garbage=2.0)}, "0.5"),
    ],
)
def test_a_span_that_cannot_be_made_is_refused(change, word):
    with pytest.raises(InputError, match=word):
        Span(**({"start": date(2026, 11, 2), "days": 1, "per_day": 100} | change))


def test_an_output_folder_that_holds_something_is_refused_and_untouched(tmp_path):
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(InputError, match="holds something"):
        write(Service(4), Span(date(2026, 11, 2), 1, 100), tmp_path, lambda when, records: None)
    assert [p.name for p in tmp_path.iterdir()] == ["mine.txt"]
