"""One live job on a real cluster through the faults of a year: each loses nothing, doubles nothing and is told."""

import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from corridor.flink.distribution import ClusterError
from corridor.kafka.topics import TOPICS
from corridor.processes import descendants
from corridor.simulate import Options, Service, folder
from tests.cluster import material
from tests.cluster.conftest import DECIDE, Job, Proxied, proxied
from tests.cluster.topics import Follower, account, in_order

pytestmark = [pytest.mark.cluster, pytest.mark.kafka, pytest.mark.timeout(600)]

LIVE = 30_000
SILENCE = 6.0
"""Seconds after which partitions are idle."""


@dataclass
class Live:
    """The job with its broker, the proxy between them, and fresh declarations to send."""

    job: Job
    kafka: Proxied
    state: Path
    follower: Follower
    fresh: Iterator[dict]

    def send(self, count: int, skew: float = 0.0, rate: float = 0.0) -> set[str]:
        """Send declarations registered now, by a clock that is `skew` seconds ahead; `rate` a second; their ids."""
        producer, sent, begun = in_order(self.kafka.settings), set(), time.time()
        for number in range(count):
            if rate:
                time.sleep(max(0.0, begun + number / rate - time.time()))
            at = time.time() + skew
            registered = datetime.fromtimestamp(at, UTC).isoformat(timespec="milliseconds")
            document = next(self.fresh) | {"registered_at": registered}
            producer.produce(TOPICS["declarations"], json.dumps(document).encode(), document["importer"].encode(),
                             timestamp=int(at * 1000))  # fmt: skip
            producer.poll(0)
            sent.add(document["declaration_id"])
        assert producer.flush(60) == 0
        return sent

    def decided(self, sent: set[str], seconds: float, why: str) -> float:
        """Wait until all of `sent` are decided; the seconds it took."""
        left, place = set(sent), 0

        def done() -> bool:
            nonlocal place
            seen = self.follower.seen[place:]
            place += len(seen)
            left.difference_update(json.loads(message.value)["declaration_id"] for _, message in seen)
            return not left

        return self.job.wait(done, seconds, why)

    def decisions(self) -> Iterator[dict]:
        """All that were seen so far."""
        return (json.loads(message.value) for _, message in self.follower.seen)

    def restarts(self) -> int:
        """How often the job has begun anew."""
        told = self.job.cluster.rest(f"/jobs/{self.job.id}/metrics?get=numRestarts")
        return int(told[0]["value"])

    def conserved(self, tell: Callable[[str], None]) -> None:
        """Every record of the topic is exactly one of decided, rejected, duplicate or tombstone."""
        found = account(self.kafka.settings)
        tell(found.lines()[-1].strip() + f"  lost {len(found.lost)}  twice {len(found.twice)}")
        assert (found.lost, found.twice) == ([], [])


@pytest.fixture(scope="module")
def live(cluster, tmp_path_factory) -> Iterator[Live]:
    state = tmp_path_factory.mktemp("live")
    with proxied(tmp_path_factory.mktemp("broker")) as broker:
        given = ("--kafka", broker.bootstrap, "--state", state, "--checkpoint", 1000)
        job = Job(cluster, cluster.submit(DECIDE, *given, parallelism=2))
        fresh = (json.loads(line) for line in material.declarations(LIVE, first=100))
        found = Live(job, broker, state, Follower(broker.settings), fresh)
        found.decided(found.send(100), 180, "a first decision")
        yield found
        found.follower.stop()
        job.cancel()


def test_what_is_not_fit_is_told_before_anything_runs(cluster, live, day, tmp_path):
    (tmp_path / "file").touch()
    with pytest.raises(ClusterError, match=r"file: .*give a folder for checkpoints that can be written"):
        cluster.submit(DECIDE, "--kafka", live.kafka.bootstrap, "--state", tmp_path / "file")
    with pytest.raises(ClusterError, match="a bounded run cannot go on from there"):
        cluster.submit(DECIDE, "--kafka", live.kafka.bootstrap, "--state", live.state, "--bounded")
    with pytest.raises(ClusterError, match="a cluster reads topics only"):
        cluster.submit(DECIDE, "--input", day, "--output", tmp_path / "out")


def test_a_lone_declaration_when_all_partitions_are_idle(live, told):
    """Watermark bound 2 s, idle after 2 s, a checkpoint each second."""
    took = []
    for _ in range(3):
        time.sleep(4)
        took.append(live.decided(live.send(1), 60, "a lone declaration"))
    told("a lone declaration was readable after " + ", ".join(f"{seconds:.1f} s" for seconds in took))
    assert min(took) < 15


def test_garbage_and_tombstones_restart_nothing(live, tmp_path, told):
    """1 % of every kind of garbage and as many tombstones: rejected or counted, by place."""
    span = folder.Span(date(2025, 11, 25), 1, 5_000, Options(garbage=0.01), "none")
    folder.write(Service(9), span, tmp_path / "s", lambda day, count: None)
    lines = [line.rstrip(b"\n") for path in sorted((tmp_path / "s" / "declarations").glob("*.ndjson"))
             for line in path.open("rb")]  # fmt: skip
    truth = [json.loads(line) for line in (tmp_path / "s" / "truth" / "garbage.ndjson").open()]
    before = live.restarts()
    large = {"message.max.bytes": 2 * 1024 * 1024}
    producer, now = in_order(live.kafka.settings, **large), int(time.time() * 1000)
    for number, line in enumerate(lines):
        producer.produce(TOPICS["declarations"], line or b" ", str(number).encode(), timestamp=now)
        if number % 100 == 0:
            producer.produce(TOPICS["declarations"], None, str(number).encode(), timestamp=now)
        producer.poll(0)
    assert producer.flush(60) == 0
    live.decided(live.send(500), 120, "what came after the garbage")
    rejected = sum(found["expect"] == "reject" for found in truth)
    told(f"{len(lines):,} records, {len(truth)} spoiled ({rejected} to be rejected), {len(lines) // 100} tombstones: "
         f"{live.restarts() - before} restarts")  # fmt: skip
    assert live.restarts() == before
    live.conserved(told)


def test_producers_whose_clocks_differ_by_twenty_minutes(live, told):
    """Those behind are decided at once, as late ones; those ahead as if they were registered now."""
    behind, ahead = set(), set()
    for _ in range(5):
        ahead |= live.send(100, skew=600)
        behind |= live.send(100, skew=-600)
    took = live.decided(behind | ahead, 120, "declarations of clocks that differ")
    late = {found["declaration_id"] for found in live.decisions() if found["late"]}
    told(f"{len(behind)} of a clock 10 min behind and {len(ahead)} of one 10 min ahead: decided after {took:.1f} s, "
         f"{len(late & behind)} and {len(late & ahead)} of them late")  # fmt: skip
    assert not late & ahead
    live.conserved(told)


def test_delay_and_drops_between_job_and_broker(live, told):
    """50 ms each way, then each hundredth piece of data ends its connection."""
    before = live.restarts()
    live.kafka.proxy.delay = 0.05
    delayed = live.decided(live.send(1_000), 180, "declarations over a slow network")
    live.kafka.proxy.delay, live.kafka.proxy.drop = 0.0, 0.01
    dropped = live.decided(live.send(1_000, rate=100), 180, "declarations over a broken network")
    live.kafka.proxy.drop = 0.0
    told(f"1,000 with 50 ms each way: {delayed:.1f} s; 1,000 while {live.kafka.proxy.dropped} connections were cut: "
         f"{dropped:.1f} s after the last; {live.restarts() - before} restarts")  # fmt: skip
    live.conserved(told)


def test_the_broker_is_away_for_a_minute(live, told):
    first = live.send(500)
    live.kafka.broker.stop()
    time.sleep(60)
    live.kafka.broker.start()
    back = time.time()
    live.decided(first | live.send(500), 180, "to go on after the broker's return")
    told(f"the broker was away for 60 s: all was decided {time.time() - back:.1f} s after its return")
    assert time.time() - back <= 60
    live.conserved(told)


def test_checkpoint_storage_that_cannot_be_written(live, told):
    """The job says which place it cannot write, tries again with growing pauses, and goes on when it can."""
    before, checkpoints = live.restarts(), live.state / "checkpoints"
    checkpoints.rename(live.state / "away")
    checkpoints.touch()
    sent = live.send(200)
    live.job.wait(
        lambda: any(str(checkpoints) in stack for stack in live.job.failures()), 120, "to name the place"
    )
    checkpoints.unlink()
    (live.state / "away").rename(checkpoints)
    took = live.decided(sent, 120, "to go on when storage is back")
    told(f"storage away: {live.restarts() - before} restarts, all was decided {took:.1f} s after it was back")
    live.conserved(told)


def test_a_burst_of_ten_times_the_load(live, told):
    """200 a second, a silence, 2,000 a second for ten seconds: memory grows by less than a tenth, the lag drains.

    After a silence the clock's ticks carry event time, and must give it back: what comes late is decided without histories.
    """
    live.decided(live.send(2_000, rate=200), 120, "the usual load")
    before = resident(live)
    time.sleep(SILENCE)
    sent, peak, begun = set(), before, time.time()
    for _ in range(10):
        sent |= live.send(2_000, rate=2_000)
        peak = max(peak, resident(live))
    took = time.time() - begun
    drained = live.decided(sent, 180, "the burst")
    peak = max(peak, resident(live))
    late = sum(found["late"] for found in live.decisions() if found["declaration_id"] in sent)
    told(f"{len(sent):,} in {took:.1f} s: the lag drained {drained:.1f} s after, {late} late; memory "
         f"{before / 2**20:,.0f} MiB before, {peak / 2**20:,.0f} MiB at most ({peak / before - 1:+.1%})")  # fmt: skip
    assert peak < 1.1 * before
    assert late < 0.01 * len(sent)
    live.conserved(told)


def resident(live: Live) -> int:
    """Bytes of resident memory of the TaskManagers and all that they started."""
    parents = [process.pid for name, process in live.job.cluster.processes.items() if name.startswith("task")]
    pids = [pid for parent in parents for pid in (parent, *(child for child, _ in descendants(parent)))]
    pages = [
        int(Path(f"/proc/{pid}/statm").read_text().split()[1])
        for pid in pids
        if Path(f"/proc/{pid}").exists()
    ]
    return sum(pages) * os.sysconf("SC_PAGE_SIZE")
