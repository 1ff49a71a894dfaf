import json
from pathlib import Path

import pytest

from corridor.console import consignments, requests
from corridor.console.consignments import Wanted
from corridor.console.standing import Recent, Run, UnreadError
from corridor.errors import InputError
from tests.console.material import encoded, made, written

EVER = Wanted(0, 1 << 62)


@pytest.fixture(scope="module")
def material():
    return made(offices=4, many=600)


@pytest.fixture(scope="module")
def run(material, tmp_path_factory):
    return written(tmp_path_factory.mktemp("run"), material, step=1440)


def test_open_fields_only(run):
    rows, many = consignments.newest(Run(run).standing(EVER), EVER)
    assert (len(rows), many) == (consignments.SHOWN, 600)
    told = json.dumps(rows)
    for closed in ("probability", "expected_loss", "contribution", "0.987654321", "3.141592", "inclusion"):
        assert closed not in told


@pytest.mark.parametrize(
    ("filter_", "holds"),
    [
        ({"corridor": "red"}, lambda one: one["corridor"] == "red"),
        ({"direction": "transit"}, lambda one: one["direction"] == "transit"),
        ({"transport": "4"}, lambda one: one["transport_mode"] == 4),
        ({"group": "valuation"}, lambda one: any(r["group"] == "valuation" for r in one["reasons"])),
        (
            {"origin": "CN", "chapter": "84"},
            lambda one: any((i["origin_country"], i["hs_chapter"]) == ("CN", "84") for i in one["items"]),
        ),
        ({"from": "2026-11-24T08:00:00Z", "until": "2026-11-24T08:30:00Z"},
         lambda one: "2026-11-24T08:00" <= one["registered_at"] < "2026-11-24T08:30"),
    ],
)  # fmt: skip
def test_each_filter_finds_what_it_says(run, material, filter_, holds):
    _, many = consignments.newest(Run(run).standing(requests.wanted(filter_)), requests.wanted(filter_))
    assert many == sum(map(holds, material.decisions))
    assert 0 < many < 600


def test_of_an_office_and_a_declaration(run, material):
    one = material.decisions[7]
    for name, field in (("office", "office"), ("importer", "importer"), ("declaration", "declaration_id")):
        rows, many = consignments.newest(
            Run(run).standing(requests.wanted({name: one[field]})), requests.wanted({name: one[field]})
        )
        assert many == sum(other[field] == one[field] for other in material.decisions)
        assert all(row[field] == one[field] for row in rows)


def test_the_newest_come_first(run):
    rows, _ = consignments.newest(Run(run).standing(EVER), EVER)
    times = [row["registered_at"] for row in rows]
    assert times == sorted(times, reverse=True)


def test_what_is_no_decision_is_passed_over(tmp_path, material):
    (tmp_path / "decisions").mkdir()
    lines = [b"{", b"\xff", b"null", encoded(material.decisions[0]), b""]
    (tmp_path / "decisions" / "part-0000.ndjson").write_bytes(b"\n".join(lines))
    assert len(list(Run(tmp_path).standing(EVER))) == 1
    assert list(Run(tmp_path / "nowhere").standing(EVER)) == []


def test_memory_is_bounded_and_a_busy_office_drives_out_no_other(material):
    recent = Recent(kept=200, each=100)
    for round_ in range(3):
        for n, one in enumerate(material.decisions):
            recent.put(consignments.read(encoded(one | {"declaration_id": f"{round_}-{n}"})))
    assert len(recent) <= 200
    assert len(list(recent)) == len(recent)
    assert {one.office for one in recent} == set(material.offices)
    many = Recent(kept=10, each=5)
    for n in range(1000):
        many.put(consignments.read(encoded(material.decisions[0] | {"office": str(n)})))
    assert len(list(many)) == len(many) <= 10


@pytest.mark.parametrize(
    "asked",
    [
        {"period": "century"},
        {"start": "yesterday"},
        {"start": "2026-11-24T00:01:00Z"},
        {"period": "week", "start": "2026-11-24"},
        {"until": "2026-11-24T08:00:00Z"},
        {"start": "9999-99-99"},
    ],
)
def test_a_view_that_is_none_is_refused(asked):
    with pytest.raises(InputError, match=r"give|needs"):
        requests.view(asked)


def test_a_filter_that_is_none_is_refused():
    with pytest.raises(InputError, match="office"):
        requests.wanted({"office": "x" * 101})
    with pytest.raises(InputError, match="from"):
        requests.wanted({"from": "=1"})


def test_only_what_stands_is_found_as_the_picture_counts(material, tmp_path):
    """An amended declaration is found by its last version, a cancelled one not at all; by its number each version is."""
    amended, cancelled, plain, again = material.decisions[:4]
    told = [
        amended | {"version": 2, "function": "amendment", "corridor": "red", "office": "0"},
        *(amended, cancelled, plain, again),
        cancelled | {"version": 2, "function": "cancellation"},
        again | {"version": 2, "function": "cancellation"},
        again | {"version": 3, "function": "amendment"},
    ]
    (tmp_path / "decisions").mkdir()
    part = tmp_path / "decisions" / "part-0000.ndjson"
    part.write_bytes(b"".join(encoded(one) + b"\n" for one in told))
    recent, run = Recent(), Run(tmp_path)
    for one in told:
        recent.put(consignments.read(encoded(one)))
    standing = {(amended["declaration_id"], 2), (plain["declaration_id"], 1), (again["declaration_id"], 3)}
    for source in (run, recent):
        rows, many = consignments.newest(source.standing(EVER), EVER)
        assert {(row["declaration_id"], row["version"]) for row in rows} == standing
        assert many == 3
        first = requests.wanted({"office": amended["office"], "corridor": amended["corridor"]})
        assert all(
            row["declaration_id"] != amended["declaration_id"]
            for row in consignments.newest(source.standing(first), first)[0]
        )
    one = requests.wanted({"declaration": cancelled["declaration_id"]})
    assert consignments.newest(run.standing(one), one)[1] == 2
    with part.open("ab") as file:
        file.write(encoded(plain | {"version": 2, "function": "cancellation"}) + b"\n")
    assert consignments.newest(run.standing(EVER), EVER)[1] == 2


def test_what_was_superseded_does_not_come_back_when_the_last_version_is_let_go(material):
    recent, one = Recent(kept=100, each=2), material.decisions[0]
    recent.put(consignments.read(encoded(one | {"corridor": "red"})))
    recent.put(consignments.read(encoded(one | {"version": 2, "function": "amendment", "corridor": "green"})))
    for n in range(5):
        recent.put(consignments.read(encoded(one | {"declaration_id": str(n), "corridor": "green"})))
    assert {found.declaration_id for found in recent.standing(EVER)} == {"3", "4"}


@pytest.mark.parametrize("many", [1, 2])
def test_decisions_that_cannot_be_read_are_no_shorter_list(material, tmp_path, monkeypatch, many):
    """Neither an empty one nor, where another file can be read, a part of it as if it were all."""
    (tmp_path / "decisions").mkdir()
    parts = [tmp_path / "decisions" / f"part-{n:04d}.ndjson" for n in range(many)]
    for part in parts:
        part.write_bytes(encoded(material.decisions[0]) + b"\n")
    run, opened = Run(tmp_path), Path.open
    assert len(list(run.standing(EVER))) == many

    def failing(path, *arguments):
        if path == parts[-1]:
            raise OSError(5, "Input/output error", str(path))
        return opened(path, *arguments)

    monkeypatch.setattr(Path, "open", failing)
    for wanted in (EVER, requests.wanted({"declaration": material.decisions[0]["declaration_id"]})):
        with pytest.raises(
            UnreadError, match=r"decisions cannot be read: part-000\d.ndjson: .*; mend that"
        ) as told:
            list(run.standing(wanted))
        assert str(tmp_path) not in str(told.value)
    monkeypatch.setattr(Path, "open", opened)
    assert len(list(run.standing(EVER))) == many
    stat = Path.stat

    def away(path, **options):
        if path == parts[-1]:
            raise OSError(5, "Input/output error", str(path))
        return stat(path, **options)

    monkeypatch.setattr(Path, "stat", away)
    with pytest.raises(UnreadError, match="mend that"):
        list(run.standing(EVER))
