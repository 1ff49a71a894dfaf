import asyncio
import gzip
import json
import socket
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from pathlib import Path

import httpx
import pytest
from click.testing import CliRunner

from corridor.cli import cli, main
from corridor.console import sources
from corridor.console.books import Book, Books, of_folder, of_registry
from corridor.console.feed import Feed
from corridor.console.headers import POLICY
from corridor.console.hub import Channel, difference
from corridor.console.replay import replayed
from corridor.console.serving import Place, Running, Show
from corridor.console.snapshot import View, snapshot
from corridor.console.sources import of_run
from corridor.console.state import FROM_FILES, State
from corridor.errors import InputError, RulebookError
from corridor.picture.norms import PictureNorms
from tests.console.material import DAY, anomaly, at, encoded, made, rulebook, text, written
from tests.console.messages import as_messages
from tests.console.serve import up


@pytest.fixture(scope="module")
def material():
    return made(offices=5, many=300)


@pytest.fixture(scope="module")
def run(material, tmp_path_factory):
    return written(tmp_path_factory.mktemp("run"), material, step=240)


@pytest.fixture(scope="module")
def page(run, material, tmp_path_factory):
    with up(run, rulebook(tmp_path_factory.mktemp("book") / "b", material)) as (url, running):
        settled(running)
        with httpx.Client(base_url=url, timeout=20) as client:
            yield client, running


def settled(running, seconds=20.0):
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        shown = json.loads(gzip.decompress(running.console.painter.channels["day"].whole.packed))["sections"]
        come = shown.get("status", {}).get("condition") not in {None, "loading"}
        if come and any(band[1] is not None for band in shown.get("curve", {}).values()):
            return
        time.sleep(0.05)
    raise AssertionError("the page did not come to rest")


def test_the_whole_picture(page, material):
    client, _ = page
    answer = client.get("/data/picture")
    assert answer.json()["sections"]["glance"]["declarations"] == len(material.decisions)
    assert answer.headers["content-encoding"] == "gzip"
    assert answer.json()["sections"]["books"]["in_force"] == {"version": "2026.11.24", "starts": text(DAY)}
    assert answer.json()["sections"]["curve"]["2026-11-24T08"][1] is not None


def test_one_too_many_for_the_past_comes_again_and_what_is_live_is_there(page, monkeypatch):
    client, _ = page
    monkeypatch.setattr("corridor.console.past.MOST_WAITING", 0)
    for path in ("/data/picture?start=2026-11-23", "/data/tables/offices?start=2026-11-23"):
        answer = client.get(path)
        assert answer.status_code == 503
        assert answer.headers["retry-after"] == "2"
        assert "try again" in answer.json()["error"]
    assert client.get("/data/picture").status_code == client.get("/data/tables/offices").status_code == 200
    monkeypatch.undo()
    assert client.get("/data/picture?start=2026-11-23").json()["sections"]["meta"]["start"] == text(at(-1440))


def test_every_answer_is_guarded(page):
    client, _ = page
    for path in ("/", "/assets/main.js", "/data/picture", "/health", "/nowhere", "/data/picture?period=x"):
        headers = client.get(path).headers
        assert headers["content-security-policy"] == POLICY
        assert headers["x-content-type-options"] == "nosniff"
        assert "set-cookie" not in headers
        assert "server" not in headers
    assert "unsafe" not in POLICY
    assert "default-src 'none'" in POLICY


def test_another_sites_name_leads_nowhere(page):
    client, _ = page
    assert client.get("/data/picture", headers={"host": "evil.example"}).status_code == 400
    assert Place("10.0.0.1").hosts == ["*"]
    assert not Place("0.0.0.0").loopback
    assert Place("::1").loopback


@pytest.mark.parametrize(
    "path", ["/assets/..%2fserver.py", "/assets/index.html", "/assets/uPlot.LICENSE", "/assets/x.js", "/../x"]
)
def test_only_the_pages_own_files(page, path):
    assert page[0].get(path).status_code == 404


def test_a_request_that_cannot_be_used_says_what_to_give(page):
    client, _ = page
    for path in (
        "/data/picture?period=x",
        "/data/picture?start=x",
        "/data/tables/secrets",
        "/data/consignments?from=x",
    ):
        answer = client.get(path)
        assert answer.status_code == 400
        assert "give" in answer.json()["error"]
    assert client.post("/data/picture").status_code == 405


def test_tables_and_consignments(page, material):
    client, _ = page
    answer = client.get("/data/tables/offices?start=2026-11-24&until=2026-11-24T12:00:00Z")
    assert (
        answer.headers["content-disposition"] == 'attachment; filename="corridor-offices-day-2026-11-24.csv"'
    )
    assert len(answer.text.splitlines()) == 1 + len(material.offices)
    found = client.get("/data/consignments", params={"office": material.offices[0]}).json()
    assert found["found"] == sum(one["office"] == material.offices[0] for one in material.decisions)
    assert not found["recent_only"]
    assert client.get("/data/consignments?corridor=red&as=csv").text.startswith("\ufeffdeclaration_id,")


def test_consignments_that_cannot_be_read_are_no_empty_list(page, run, monkeypatch):
    client, _ = page
    opened = Path.open

    def failing(path, *arguments):
        if path.parent == run / "decisions":
            raise OSError(5, "Input/output error", str(path))
        return opened(path, *arguments)

    monkeypatch.setattr(Path, "open", failing)
    for asked in ("", "?as=csv"):
        answer = client.get(f"/data/consignments{asked}")
        assert answer.status_code == 503
        assert "part-0000.ndjson: Input/output error; mend that" in answer.json()["error"]
        assert str(run) not in answer.text


def test_a_past_moment_is_made_once(page):
    client, running = page
    asked = "/data/picture?start=2026-11-24&until=2026-11-24T08:00:00Z"
    first = client.get(asked)
    painted = running.console.painter.paint_seconds
    assert client.get(asked).content == first.content
    assert running.console.painter.paint_seconds == painted


def test_difference():
    old = {"a": {"x": 1, "y": [1]}, "b": {"z": 1}}
    assert difference(old, {"a": {"x": 1, "y": [1]}, "b": {"z": 1}}) == {}
    assert difference(old, {"a": {"x": 2, "y": [1], "n": 0}}) == {
        "a": {"set": {"x": 2, "n": 0}}, "b": {"set": {}, "gone": ["z"]},
    }  # fmt: skip


def test_who_lags_gets_the_newest_and_no_queue():
    async def scene():
        channel = Channel()
        assert await channel.after(0, 0.01) is None
        channel.publish({"a": {"x": 1}})
        assert json.loads((await channel.after(0, 1)).split(b"data: ")[1])["sections"] == {
            "a": {"set": {"x": 1}}
        }
        assert not channel.publish({"a": {"x": 1}})
        for n in range(2, 500):
            channel.publish({"a": {"x": n}})
        assert (await channel.after(1, 1)).startswith(b"event: resync")
        assert json.loads(gzip.decompress(channel.whole.packed)) == {
            "version": 499,
            "sections": {"a": {"x": 499}},
        }
        waiting = asyncio.create_task(channel.after(499, 5))
        await asyncio.sleep(0.01)
        channel.publish({"a": {"x": 0}})
        assert (await waiting).startswith(b"event: delta")

    with ThreadPoolExecutor() as apart:  # the browser of other tests has a loop in this thread
        apart.submit(asyncio.run, scene()).result(30)


def test_many_viewers_some_of_whom_never_read(run):
    with up(run, follow=True) as (url, running):
        port = int(url.rsplit(":", 1)[1].strip("/"))
        sockets = [socket.create_connection(("127.0.0.1", port)) for _ in range(150)]
        for one in sockets:
            one.sendall(b"GET /data/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        deadline = time.monotonic() + 20
        while running.console.viewers < 150 and time.monotonic() < deadline:
            time.sleep(0.02)
        assert running.console.viewers == 150
        assert httpx.get(f"{url}health", timeout=10).json()["viewers"] == 150
        for one in sockets[:100]:  # they leave without a word
            one.close()
        while running.console.viewers > 50 and time.monotonic() < deadline:
            running.console.state.take(as_messages("picture", [b"noise"]))
            time.sleep(0.1)
        assert running.console.viewers == 50
        for one in sockets[100:]:
            one.close()


def test_files_that_grow_are_followed_and_half_a_line_waits(tmp_path, material, monkeypatch):
    monkeypatch.setattr(sources, "POLL", 0.01)
    state, stop = State("here", upsert=False, keep=False), threading.Event()
    feed = threading.Thread(target=Feed(state, partial(of_run, tmp_path, FROM_FILES, True)).run, args=(stop,))
    feed.start()
    try:
        until(lambda: state.link.condition == "live")
        assert snapshot(state, View(), 0)["meta"]["start"] is None
        (tmp_path / "picture").mkdir()
        part = tmp_path / "picture" / "part-0000.ndjson"
        line = next(one for one in material.lines(at(600)) if b'"service"' in one)
        part.write_bytes(line[:50])
        time.sleep(0.1)
        assert state.ignored == {}
        with part.open("ab") as file:
            file.write(line[50:] + b"\n" + line.replace(b'"declarations":', b'"declarations":9')[:-3])
        until(lambda: "glance" in snapshot(state, View(), 0))
        assert state.ignored == {}
        assert snapshot(state, View(), 0)["glance"]["declarations"] < 300
        part.unlink()
        part.write_bytes(b"{}\n")  # another run came
        until(lambda: "glance" not in snapshot(state, View(), 0))
        until(lambda: state.ignored == {"picture unreadable": 1})
        assert state.link.condition == "live"
    finally:
        stop.set()
        feed.join(5)


def until(holds, seconds=10.0):
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_replay_runs_by_the_messages_own_times(run, material):
    state, stop = State("here", upsert=False, keep=False), threading.Event()
    feed = Feed(state, partial(replayed, run, FROM_FILES, 43_200.0))
    thread = threading.Thread(target=feed.run, args=(stop,))
    thread.start()
    seen = set()
    while thread.is_alive():
        seen.add(snapshot(state, View(), 0).get("glance", {}).get("declarations", 0))
        time.sleep(0.02)
    assert max(seen) == len(material.decisions)
    assert len(seen) >= 5
    assert state.link.condition == "finished"
    assert sum(snapshot(state, View(), 0)["rejects"].values()) == 9


def test_a_rulebook_is_known_by_its_manifest(tmp_path, material):
    rulebook(tmp_path / "a", material, "1")
    rulebook(tmp_path / "b", material, "2", at(720))
    books = of_folder(tmp_path)
    micros = int(DAY.timestamp()) * 1_000_000
    assert books.in_force(micros).version == "1"
    assert books.next(micros).version == "2"
    assert books.in_force(micros + 86_400_000_000).version == "2"
    (tmp_path / "a" / "picture.parquet").write_bytes(b"PAR1")
    with pytest.raises(RulebookError):
        of_folder(tmp_path)
    with pytest.raises(RulebookError, match="give the folder"):
        of_folder(tmp_path / "nowhere")


def test_a_registry_that_is_silent_leaves_what_was_known_and_where_it_lies_is_for_the_log(tmp_path, caplog):
    broken = of_registry(str(tmp_path / "nowhere"), tmp_path)
    assert broken.problem
    state = State("here", upsert=True, keep=False)
    state.know(Books((Book("1", 0),)))
    state.know(broken)
    assert state.books.in_force(1).version == "1"
    assert broken.problem in caplog.text
    assert len(caplog.records) == 1
    state.know(broken)
    assert len(caplog.records) == 1
    assert snapshot(state, View(), 0)["books"]["problem"] is True
    assert str(tmp_path) not in json.dumps(snapshot(state, View(), 0))


def test_norms_that_could_not_be_read_are_told_and_tried_again(tmp_path, material, monkeypatch, caplog):
    """After a while, not with each picture; and the page is made anew without any message."""
    place = rulebook(tmp_path / "b", material)
    whole = (place / "picture.parquet").read_bytes()
    state, books = State("here", upsert=True, keep=False), of_folder(place)
    state.know(books)
    (place / "picture.parquet").unlink()
    (place / "picture.parquet").write_bytes(b"PAR1")
    state.take(as_messages("picture", [next(one for one in material.lines(at(600)) if b'"service"' in one)]))

    def learnt(problem: bool, band: bool) -> int:
        state.learn()
        shown = snapshot(state, View(), 0)
        assert shown["status"]["norms_problem"] is problem
        assert (shown["curve"]["2026-11-24T08"][1] is not None) == band
        return state.version

    learnt(False, False)  # nobody asked yet
    version = learnt(True, False)
    assert len(caplog.records) == 1
    (place / "picture.parquet").write_bytes(whole)
    assert learnt(True, False) == version
    monkeypatch.setattr("corridor.console.books.AGAIN", 0.0)
    assert learnt(False, True) == version + 1
    assert learnt(False, True) == version + 1


def test_a_registry_that_hangs_holds_up_no_picture(material):
    """Neither that of the rulebook in force, which is asked for, nor that of the next."""
    asked, gate = [], threading.Event()

    def book(version: str, starts: int) -> Book:
        def hanging():
            asked.append(version)
            gate.wait(20)
            return PictureNorms.empty()

        return Book(version, starts, hanging)

    state = State("here", upsert=True, keep=False)
    state.take(as_messages("picture", material.lines(at(600))))
    state.know(Books((book("1", 0), book("2", 1 << 60))))
    begun = time.monotonic()
    snapshot(state, View(), 0)
    reader = threading.Thread(target=state.learn)
    reader.start()
    until(lambda: asked)
    snapshot(state, View(), 0)
    assert time.monotonic() - begun < 10
    version = state.version
    gate.set()
    reader.join(5)
    assert asked == ["1", "2"]
    assert state.version == version + 2


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["--run", "/nowhere"], "does not exist"),
        (["--run", __file__], "is a file"),
        ([], "no Kafka broker is named"),
        (["--follow"], "go with --run"),
        (["--run", "HERE", "--kafka", "localhost:9092"], "not both"),
        (["--run", "HERE", "--follow", "--replay", "600"], "not both"),
        (["--run", "HERE", "--registry", "x"], "go together"),
        (["--run", "HERE", "--rulebook", "HERE"], "manifest.yaml"),
        (["--run", "HERE", "--host", "256.1.1.1"], "--host"),
        (["--run", "EMPTY"], "holds none of picture"),
    ],
)
def test_what_cannot_be_shown_is_told_in_one_line(arguments, told, run, tmp_path, capsys):
    given = [{"HERE": str(run), "EMPTY": str(tmp_path)}.get(one, one) for one in arguments]
    with pytest.raises(SystemExit) as stop:
        main(["console", *given])
    assert stop.value.code == 2
    error = capsys.readouterr().err
    assert told in error
    assert error.count("\n") == 1


def test_a_port_that_is_taken_is_told(run):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        state = State("here", upsert=False, keep=False)
        with pytest.raises(InputError, match="give another --port"):
            Running(
                Show(state, Feed(state, partial(of_run, run, FROM_FILES))), Place(port=taken.getsockname()[1])
            )


def test_help_is_quick_and_names_the_way():
    assert "--kafka" in CliRunner().invoke(cli, ["console", "--help"]).output


def test_an_anomaly_of_hostile_shape_is_told_or_counted():
    state = State("here", upsert=True, keep=False)
    odd = [
        anomaly("x", 1, evidence={"contributors": "none"}),
        anomaly(
            "x", 2, evidence={"contributors": [1, None, {"dimension": 5, "value": ["x"], "observed": "1"}]}
        ),
        anomaly("x", 3, severity="<b>", observed=None),
        anomaly("x", 4, evidence=[]),
        anomaly("x", 5, event_time="never"),
        anomaly("x" * 300, 6),
    ]
    state.take(as_messages("anomalies", map(encoded, odd)))
    told = list(state.episodes.within(0, 1 << 62))
    assert len(told) == 3
    assert [one["contributors"] for one in told if one["id"] == "episode-2"] == [
        [{"dimension": None, "value": None, "observed": None, "expected": None, "share": False}]
    ]
    assert {one["severity"] for one in told} == {"critical", "info"}
    assert state.ignored == {"anomalies unreadable": 2, "anomalies window": 1}
