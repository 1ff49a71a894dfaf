"""Twenty and more SIGKILLs while 100,000 declarations are decided: nothing lost, nothing twice, nothing else decided."""

import os
import signal
import statistics
import time

import pytest

from tests.cluster.conftest import COUNT, PARTITIONS, TWICE
from tests.cluster.material import content
from tests.cluster.topics import Follower, account

pytestmark = [pytest.mark.cluster, pytest.mark.kafka, pytest.mark.timeout(1200)]

RECOVERY = 60.0
"""Seconds that are aimed at; a machine with much else to do takes longer, so the test waits for twice as long."""
ROUNDS = (
    ("workers",),
    ("broker",),
    ("jobmanager",),
    ("taskmanagers",),
    ("workers", "jobmanager", "broker"),
    ("workers", "taskmanagers", "broker"),
    ("workers", "taskmanagers", "broker", "jobmanager"),
)
"""What is killed at one time, as soon as the job has recovered from the round before: one or all of a kind."""


def strike(cluster, broker, victims) -> int:
    """SIGKILL them all, then bring back what does not come back by itself; how many were killed.

    A worker comes back with its job's restart; of the TaskManagers one is hit that has work.
    """
    busy = {name: cluster.workers(name) for name in cluster.processes if name.startswith("taskmanager")}
    order = sorted(busy, key=lambda name: -len(busy[name]))
    pids = [pid for name in order for pid in busy[name]]
    hit = {"worker": pids[:1], "workers": pids, "taskmanager": order[:1], "taskmanagers": order}
    chosen = [one for victim in victims for one in hit.get(victim, [victim])]
    for one in chosen:
        if isinstance(one, int):
            os.kill(one, signal.SIGKILL)
        elif one == "broker":
            broker.kill()
        else:
            cluster.kill(one)
    for one in chosen:
        if one in cluster.processes:
            cluster.bring_back(one)
    if "broker" in chosen:
        broker.start()
    return len(chosen)


def workers(cluster) -> set[int]:
    """The process ids of all Python workers."""
    return {
        pid for name in cluster.processes if name.startswith("taskmanager") for pid in cluster.workers(name)
    }


def anew(cluster, old: set[int]) -> bool:
    """Whether both subtasks have new workers."""
    return len(found := workers(cluster)) == 2 and not found & old


def test_kills_lose_nothing_and_double_nothing(cluster, full, submit, undisturbed, replayed, tmp_path, told):
    follower, kills, recoveries = Follower(full.settings), 0, []
    job = submit(full, tmp_path / "state", *replayed, "--checkpoint", 500, parallelism=2)
    job.wait(lambda: bool(follower.seen), 180, "a first decision")
    for victims in ROUNDS:
        before, moment, old = len(follower.seen), time.time(), workers(cluster)
        killed = strike(cluster, full.broker, victims)
        kills += killed
        why = f"to go on after {killed} kills of {victims}"
        if victims != (
            "broker",
        ):  # the job begins anew; that a worker is gone is noticed when it is next needed
            job.wait(lambda old=old: anew(cluster, old), 2 * RECOVERY, why)
        working = time.time()
        job.wait(
            lambda since=working: job.checkpointed_since(since) and follower.since(since) > 0,
            2 * RECOVERY,
            why,
        )
        recoveries.append(time.time() - moment)
        told(
            f"{killed} killed ({', '.join(victims)}) at {before:,} decisions: went on after {recoveries[-1]:.1f} s, "
            f"{len(follower.seen) - before:,} decisions later"
        )
        assert len(follower.seen) < COUNT, "the backlog was too short for all kills"
    full.proxy.rate = 0
    took = job.wait(lambda: len(follower.seen) >= COUNT, 300, "to decide the rest")
    follower.stop()
    found = account(full.settings)
    late = sum(decision["late"] for decision in found.decisions.values())
    for line in (
        f"{kills} SIGKILLs in {len(ROUNDS)} rounds; recovery {statistics.median(recoveries):.1f} s at the middle, "
        f"{max(recoveries):.1f} s at most{' (over 60 s)' * (max(recoveries) > RECOVERY)}; the rest took {took:.0f} s",
        f"lost {len(found.lost)}, twice {len(found.twice)}, late {late}, decisions {len(found.decisions):,}",
        *found.lines(),
    ):
        told(line)
    assert kills >= 20
    assert (found.lost, found.twice) == ([], [])
    assert sum(row["duplicates"] for row in found.by_partition.values()) == TWICE
    assert sum(row["tombstones"] for row in found.by_partition.values()) == PARTITIONS
    assert len(found.decisions) == COUNT
    assert {key: content(decision) for key, decision in found.decisions.items()} == undisturbed
