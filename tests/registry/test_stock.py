"""What a worker has loaded of many versions: never another version than the time demands, and never all of them."""

import shutil
import threading
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.errors import RulebookError
from corridor.messages.moment_text import rfc3339
from corridor.registry import stock as module
from corridor.registry.follow import Follower
from corridor.registry.origin import Origin
from corridor.registry.publication import NOTHING, Publication, Signature, Statement, approve, propose
from corridor.registry.refusal import RefusedError
from corridor.registry.stock import MOST, Published, Stock
from corridor.registry.store import StoreError
from corridor.rulebook.load import Shelf, load
from corridor.rulebook.manifest import NAME as MANIFEST
from corridor.rulebook.manifest import sha256, write_manifest
from tests.registry.material import ANNA, BORIS, HOUR, NOW, Place, moment, place, rulebook

SIGNED = Signature("anna", "2026-12-01T12:00:00.000Z", "0" * 128)


def publication(n: int) -> Publication:
    at = moment(n * HOUR).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    files = {"manifest.yaml": "0" * 64} | ({"picture.parquet": "1" * 64} if n % 3 == 0 else {})
    return Publication(Statement(n, f"v{n}", at, files, ("importer/day",), "0" * 64), SIGNED, SIGNED)


@dataclass
class Loader:
    """Loads by taking a rulebook that is there and giving it another version and moment."""

    book: object
    unfit: set[int] = field(default_factory=set)
    broken: set[int] = field(default_factory=set)
    away: bool = False
    asked: list[int] = field(default_factory=list)
    told: list[tuple[int, str | None]] = field(default_factory=list)

    def load(self, one, like):
        n = one.statement.number
        self.asked.append(n)
        if self.away:
            raise StoreError("the registry is away")
        if n in self.unfit | self.broken:
            raise RefusedError("rulebook" if n in self.unfit else "content", f"v{n} is not fit")
        made = object.__new__(type(self.book))
        made.__dict__.update(self.book.__dict__ | {"version": f"v{n}", "effective_from": n * HOUR})
        return made, Path(f"v{n}")

    def tell(self, one, error):
        self.told.append((one.statement.number, error and error.reason))


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    return load(rulebook(tmp_path_factory.mktemp("book") / "v1", "v1", NOW))


def stocked(loader: Loader, count: int, most: int | None = None) -> Stock:
    made = Stock(loader.load, loader.tell, most)
    for n in range(1, count + 1):
        made.add(publication(n))
    return made


def given_for(found: Stock, *hours: float) -> list[str]:
    times = np.array([round(hour * HOUR) for hour in hours], np.int64)
    shelf = found.asked(times)
    return [shelf.rulebooks[i].version for i in shelf.at(times)]


def all_loaded(count: int, refused: set[int], hours: list[float]) -> list[str]:
    """The slow twin: every version that is fit stands on the shelf."""
    good = [n for n in range(1, count + 1) if n not in refused]
    return [f"v{max([n for n in good if n <= hour], default=good[0])}" for hour in hours]


@settings(deadline=None)
@given(st.data())
def test_whatever_is_asked_the_version_is_that_of_a_shelf_with_all(book, data):
    count = data.draw(st.integers(1, 12))
    numbers = st.sets(st.integers(1, count))
    loader = Loader(book, data.draw(numbers), data.draw(numbers))
    found = stocked(loader, count, data.draw(st.sampled_from([None, 1, 3])))
    refused = loader.unfit | loader.broken
    for _ in range(data.draw(st.integers(1, 5))):
        if data.draw(st.booleans()):
            found.keep(data.draw(st.sets(st.integers(0, count - 1), max_size=3)))
        hours = data.draw(st.lists(st.integers(0, 2 * count + 2).map(lambda half: half / 2), min_size=1))
        if len(refused) == count:
            with pytest.raises(RulebookError, match="no version of the registry is fit"):
                given_for(found, *hours)
        else:
            assert given_for(found, *hours) == all_loaded(count, refused, hours)
    assert len(loader.told) == len(loader.asked)


def test_a_place_that_fails_midway_forgets_no_refusal(book):
    """v1 and v4 are broken; while they are tried again the place fails: until it is known better both stay refused."""
    loader = Loader(book, broken={1, 4})
    found = stocked(loader, 6)
    found.keep(range(6))
    assert given_for(found, 1, 4, 6) == ["v2", "v3", "v6"]
    loader.away = True
    before = len(loader.asked)
    with pytest.raises(StoreError):
        found.keep(range(6))
    assert given_for(found, 1, 4, 6) == ["v2", "v3", "v6"], "they are still refused: no batch asks for them"
    assert len(loader.asked) == before + 1
    loader.away, loader.broken = False, {1}
    found.keep(range(6))
    assert given_for(found, 1, 4, 6) == ["v2", "v4", "v6"]


def test_only_what_is_asked_for_is_loaded(book):
    loader = Loader(book)
    found = stocked(loader, 1000)
    found.keep([998, 999])
    assert (loader.asked, found.shelf.versions) == ([999, 1000], ("v999", "v1000"))
    assert given_for(found, 5000, 999.5, 998) == ["v1000", "v999", "v998"]
    assert given_for(found, 0, 7.9) == ["v1", "v7"]
    assert sorted(loader.asked) == [1, 7, 998, 999, 1000]
    assert given_for(found, 0, 7.9, 998) == ["v1", "v7", "v998"]
    assert len(loader.asked) == 5, "what is loaded is not loaded again"


def test_a_stream_holds_so_many_and_no_more(book):
    """A batch that asks for more gets them; the next one finds them gone."""
    loader = Loader(book)
    found = stocked(loader, 1000, MOST)
    found.keep([999])
    for n in range(1, 900):
        assert given_for(found, n) == [f"v{n}"]
        assert len(found.shelf.rulebooks) <= MOST
    assert found.shelf.versions[-1] == "v1000", "what is kept stays, whoever asks"
    hours = [float(n) for n in range(1, 200)]
    assert given_for(found, *hours) == [f"v{n}" for n in range(1, 200)]
    assert len(found.shelf.rulebooks) == 200
    given_for(found, 900)
    assert len(found.shelf.rulebooks) <= MOST


def test_what_nobody_asks_for_is_let_go(book, monkeypatch):
    loader = Loader(book)
    found = stocked(loader, 10)
    clock = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])
    found.keep([9])
    given_for(found, 3, 4)
    clock[0] = module.IDLE_S - 1
    given_for(found, 4)
    clock[0] = module.IDLE_S + 1
    found.keep([9])
    assert found.shelf.versions == ("v4", "v10")
    assert given_for(found, 3) == ["v3"]


def test_what_is_broken_is_told_once_and_tried_again_at_the_next_look(book):
    loader = Loader(book, unfit={2}, broken={4})
    found = stocked(loader, 5)
    for _ in range(3):
        assert given_for(found, 2, 4) == ["v1", "v3"]
    assert sorted(loader.told) == [(1, None), (2, "rulebook"), (3, None), (4, "content")]
    loader.broken.clear()
    found.keep([])
    assert given_for(found, 2, 4) == ["v1", "v4"]
    assert [one.version for one in found.statements] == ["v1", "v3", "v4", "v5"], (
        "the unfit one may not judge"
    )


def test_where_a_version_cannot_be_had_no_other_one_judges(book):
    loader = Loader(book)
    found = stocked(loader, 5)
    found.keep([4])
    loader.away = True
    assert given_for(found, 5) == ["v5"]
    with pytest.raises(StoreError, match="away"):
        given_for(found, 5, 3)
    loader.away = False
    assert given_for(found, 5, 3) == ["v5", "v3"]


def test_a_version_that_comes_while_a_batch_is_prepared_is_not_passed_over(book):
    """Judging threads ask while the background adds: each answer is that of some moment, and never of too early a one."""
    loader, done = Loader(book), threading.Event()
    found = stocked(loader, 1)
    found.keep([0])
    wrong: list[tuple[int, list[str]]] = []

    def ask() -> None:
        while not done.is_set():
            known = len(found._held.starts)
            answer = given_for(found, known)
            if answer != [f"v{known}"]:
                wrong.append((known, answer))

    threads = [threading.Thread(target=ask) for _ in range(2)]
    for thread in threads:
        thread.start()
    for n in range(2, 200):
        found.add(publication(n))
        found.keep([n - 1] if n % 2 else [])
    done.set()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_a_plan_knows_of_all_versions_without_loading_them(book):
    loader = Loader(book)
    found = stocked(loader, 100)
    found.keep([99])
    shelf = found.shelf
    known = Published(
        shelf.rulebooks, shelf.starts, shelf.folders, statements=tuple(found.statements), find=found.asked
    )
    assert known.versions == tuple(f"v{n}" for n in range(1, 101))
    assert known.histories == (("importer", "day"),)
    assert (known.holds("picture.parquet"), known.holds("model.txt")) == (True, False)
    assert loader.asked == [100]
    assert known.holding("picture.parquet", 50 * HOUR)[0].version == "v48"
    assert known.holding("picture.parquet", 0)[1] == Path("v3")
    loader.unfit = {47, 45}
    assert known.holding("picture.parquet", 47 * HOUR)[0].version == "v42"
    with pytest.raises(RulebookError, match=r"has model\.txt"):
        known.holding("model.txt", 0)


def test_a_shelf_of_loaded_ones_answers_alike(tmp_path):
    for n in (1, 2, 3):
        kept = f"importer/{'day' if n < 3 else 'hour'}"
        folder = rulebook(tmp_path / f"v{n}", f"v{n}", NOW + n * HOUR, histories=kept)
        if n < 3:
            (folder / "picture.parquet").write_bytes(b"norms")
            write_manifest(folder, f"v{n}", moment(NOW + n * HOUR))
    shelf = Shelf.load(tmp_path)
    assert shelf.versions == ("v1", "v2", "v3")
    assert shelf.histories == (("importer", "day"), ("importer", "hour"))
    assert (shelf.holds("picture.parquet"), shelf.holds("model.txt")) == (True, False)
    for hour, version in ((0, "v1"), (1, "v1"), (2, "v2"), (9, "v2")):
        book, folder = shelf.holding("picture.parquet", NOW + hour * HOUR)
        assert (book.version, folder) == (version, tmp_path / version)
    with pytest.raises(RulebookError, match=r"none of the rulebooks has model\.txt"):
        shelf.holding("model.txt", NOW)


def many(made: Place, count: int) -> None:
    """So many versions of one content, published without asking each time what was published before."""
    folder, previous = rulebook(made.work / "book", "v0", NOW), NOTHING
    sheet, first = (folder / MANIFEST).read_text(), moment(NOW).isoformat().replace("+00:00", "Z")
    assert (sheet.count("v0"), sheet.count(first)) == (1, 1)
    made.record(1).parent.mkdir(parents=True)
    for n in range(1, count + 1):
        starts = moment(NOW + n * HOUR).isoformat().replace("+00:00", "Z")
        (folder / MANIFEST).write_text(sheet.replace("v0", f"v{n}").replace(first, starts))
        files = {path.name: sha256(path) for path in folder.iterdir()}
        for name in files if n == 1 else (MANIFEST,):
            target = made.path / "objects" / files[name][:2] / files[name]
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / name, target)
        statement = Statement(n, f"v{n}", rfc3339(NOW + n * HOUR), files, (), previous)
        one = approve(propose(statement, ANNA, rfc3339(NOW + n)), BORIS, rfc3339(NOW + n))
        made.record(n).write_bytes(one.record)
        previous = one.digest


def test_of_a_thousand_published_a_handful_is_loaded_at_the_start(tmp_path):
    made, cache = place(tmp_path), tmp_path / "cache"
    many(made, 1000)
    origin = Origin(str(made.path), str(made.trusted), 10)
    found = Follower(origin, cache=cache, clock=lambda: NOW + 1001 * HOUR)
    copied = [path.parent for path in cache.glob("*/*/rules.yaml")]
    assert len(copied) == len(found.shelf.rulebooks) <= 26, "those of the last day"
    assert (found.shelf.versions[-1], len(found.published.versions)) == ("v1000", 1000)
    times = np.array([NOW + 500 * HOUR, NOW], np.int64)
    shelf = found.asked(times)
    assert [shelf.rulebooks[i].version for i in shelf.at(times)] == ["v500", "v1"]
    found.judged("v500", NOW + 500 * HOUR)
    found.look()
    assert {"v501", "v502"} <= set(found.shelf.versions), (
        "the next ones, of a stream that is behind the clock"
    )
    assert len(found.shelf.rulebooks) < 40
