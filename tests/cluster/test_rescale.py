"""A real cluster: the job submitted by `flink run`, stopped with a savepoint and restored at another parallelism."""

import time

import pytest

from corridor.flink.state import State
from tests.cluster.conftest import COUNT, TWICE
from tests.cluster.material import content
from tests.cluster.topics import Follower, account

pytestmark = [pytest.mark.cluster, pytest.mark.kafka, pytest.mark.timeout(900)]


def test_a_savepoint_is_restored_at_another_parallelism(
    cluster, full, submit, undisturbed, replayed, tmp_path, told
):
    """1 → 2 → 1 in the middle of a backlog: every decision once and as undisturbed, duplicates still known."""
    settings, begun = full.settings, time.time()
    follower = Follower(settings)
    state, options = tmp_path / "state", (*replayed, "--checkpoint", 1000)
    operators = []
    for parallelism in (1, 2):
        before = time.time()
        job = submit(full, state, *options, parallelism=parallelism)
        operators.append(job.operators())
        job.wait(lambda since=before: follower.since(since) > 0, 180, "a first decision")
        place = cluster.savepoint(job.id, State(state.as_uri(), state).savepoints)
        told(
            f"parallelism {parallelism}: {len(follower.seen):,} decisions until its savepoint {place[-16:]}, "
            f"{time.time() - before:.0f} s with submission"
        )
        assert len(follower.seen) < COUNT, "the backlog was too short for this test"
    full.proxy.rate = 0
    job = submit(full, state, *options, parallelism=1)
    operators.append(job.operators())
    job.wait(lambda: len(follower.seen) >= COUNT, 300, "to decide the rest")
    follower.stop()
    found = account(settings)
    for line in (f"all {COUNT:,} after {time.time() - begun:.0f} s", *found.lines()):
        told(line)
    assert operators[0] == operators[1] == operators[2], "ids are those of the plan, not of the parallelism"
    assert (found.lost, found.twice) == ([], [])
    assert sum(row["duplicates"] for row in found.by_partition.values()) == TWICE
    assert {key: content(decision) for key, decision in found.decisions.items()} == undisturbed
