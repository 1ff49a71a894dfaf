"""`corridor run decide --kafka`: the job over topics, on Flink inside this process or submitted by `flink run`."""

import tempfile
from pathlib import Path
from typing import Final

from corridor.errors import InputError
from corridor.flink import connectors
from corridor.flink.embedded import asked_histories
from corridor.flink.environment import Cluster, start, submitted
from corridor.flink.execution import Report, run
from corridor.flink.state import State, open_state
from corridor.flink.topics import Topics
from corridor.flink.worker import read_counters
from corridor.kafka.client import Settings
from corridor.kafka.doctor import examine
from corridor.kafka.jars import jars
from corridor.rulebook.load import Shelf
from corridor.rulebook.sample import sample_path


def run_decide(topics: Topics, report: Report | None = None) -> dict[str, int]:
    """Judge what stands in the topic of declarations, and what comes; the workers' counters at the end.

    A job on a cluster gives no counters, and `flink run -d` does not wait for it. Raises CorridorError before
    anything is written if rulebook, jars, broker, topics or state are not fit.
    """
    rulebook = (topics.rulebook or sample_path()).resolve()
    shelf = Shelf.load(rulebook)
    _ready(topics.settings)
    connector = () if submitted() else jars("connector")
    state = open_state(topics.state)
    work = _work(state)
    from corridor.flink import decide  # noqa: PLC0415  # PyFlink is slow to import; not before the checks

    tables = start(
        Cluster(work, topics.parallelism, mode="streaming", heap_mb=3072, metrics_port=topics.metrics_port)
    )
    config = tables.get_config()
    for key, value in _settings(topics).items():
        config.set(key, value)
    config.set("execution.checkpointing.dir", state.checkpoints)
    if connector:
        config.set("pipeline.jars", ";".join(path.resolve().as_uri() for path in connector))
    if not config.get(_RESTORED, "") and (latest := state.latest()):
        config.set(_RESTORED, latest)
    connectors.topics(tables, topics.settings, topics.source)
    plan = decide.Plan(
        rulebook=str(rulebook),
        histories=asked_histories(shelf) if topics.histories else (),
        mode="streaming",
        topic=topics.source.topic,
        picture=topics.picture,
        replay=topics.source.bounded,
        decided_at=topics.decided_at,
        progress=None if submitted() else str(work / "progress"),
    )
    waited = not submitted() or config.get("execution.attached", "false") == "true"
    run(decide.decide(tables, plan), work, None, report, waited)
    return {} if submitted() else read_counters(work / "progress")


_RESTORED: Final = "execution.state-recovery.path"
"""From where state comes; `flink run -s` sets it."""


def _settings(topics: Topics) -> dict[str, str]:
    """What belongs to this job, wherever it runs."""
    return {
        "pipeline.name": "corridor decide",
        "execution.checkpointing.interval": f"{topics.checkpoint_ms} ms",
        "execution.checkpointing.incremental": "true",
        "python.fn-execution.bundle.time": str(topics.bundle_ms),
        "state.backend.type": topics.backend,
        "table.exec.state.ttl": f"{topics.ttl_days} d",
        # a bounded partition ends, so none is idle: one that is slow to be read again must not become late
        "table.exec.source.idle-timeout": "0 s" if topics.source.bounded else f"{topics.source.idle_ms} ms",
    }


def _ready(settings: Settings) -> None:
    """Ask what `corridor doctor` asks. InputError for the first answer that would stop the job."""
    for line in examine(lambda: settings):
        if line.ok is False:
            raise InputError(f"{line.name}: {line.told}; {line.advice}")


def _work(state: State) -> Path:
    """Where this process may write: counters and logs; on a cluster it writes nothing."""
    if submitted():
        return Path(tempfile.gettempdir())
    if state.folder is None:
        raise InputError(f"{state.uri}: Flink inside this process knows folders only; give --state a folder")
    progress = state.folder / "progress"
    progress.mkdir(exist_ok=True)
    for old in progress.glob("*.counts"):
        old.unlink()
    return state.folder
