"""`corridor run decide --kafka`: the job over topics, on Flink inside this process, until it is stopped."""

import time
from pathlib import Path

from corridor.errors import InputError
from corridor.flink import connectors
from corridor.flink.embedded import asked_histories
from corridor.flink.environment import Cluster, start
from corridor.flink.execution import Report, run
from corridor.flink.topics import Topics
from corridor.flink.worker import read_counters
from corridor.kafka.client import Settings
from corridor.kafka.doctor import examine
from corridor.kafka.jars import jars
from corridor.rulebook.load import Shelf
from corridor.rulebook.sample import sample_path


def run_decide(topics: Topics, report: Report | None = None) -> dict[str, int]:
    """Judge what stands in the topic of declarations, and what comes; the workers' counters at the end.

    Raises CorridorError before anything is written if rulebook, jars, broker, topics or state folder are not fit.
    """
    rulebook = (topics.rulebook or sample_path()).resolve()
    shelf = Shelf.load(rulebook)
    _ready(topics.settings)
    connector = jars("connector")
    work = _state(Path(topics.state))
    from corridor.flink import decide  # noqa: PLC0415  # PyFlink is slow to import; not before the checks

    tables = start(Cluster(work, topics.parallelism or 2, mode="streaming", heap_mb=3072))
    config = tables.get_config()
    config.set("pipeline.jars", ";".join(path.resolve().as_uri() for path in connector))
    config.set("execution.checkpointing.interval", f"{topics.checkpoint_ms} ms")
    config.set("execution.checkpointing.dir", (work / "checkpoints").resolve().as_uri())
    config.set("python.fn-execution.bundle.time", str(topics.bundle_ms))
    config.set("state.backend.type", topics.backend)
    config.set("execution.checkpointing.incremental", "true")
    config.set("table.exec.state.ttl", f"{topics.ttl_days} d")
    last = last_checkpoint(work / "checkpoints")
    if last is not None:
        config.set("execution.state-recovery.path", last.resolve().as_uri())
    connectors.topics(tables, topics.settings, topics.source)
    plan = decide.Plan(
        rulebook=str(rulebook),
        histories=asked_histories(shelf) if topics.histories else (),
        mode="streaming",
        picture=topics.picture,
        replay=topics.source.bounded,
        decided_at=topics.decided_at,
        progress=str(work / "progress"),
    )
    run(decide.decide(tables, plan), work, None, report)
    return read_counters(work / "progress")


def _ready(settings: Settings) -> None:
    """Ask what `corridor doctor` asks. InputError for the first answer that would stop the job."""
    for line in examine(lambda: settings):
        if line.ok is False:
            raise InputError(f"{line.name}: {line.told}; {line.advice}")


def last_checkpoint(folder: Path) -> Path | None:
    """The newest whole checkpoint under a folder of them, or None."""
    whole = [path.parent for path in folder.glob("*/chk-*/_metadata")]
    return max(whole, key=lambda path: (path / "_metadata").stat().st_mtime, default=None)


def _state(folder: Path) -> Path:
    """The folder of a run, made if it is not there; InputError if it cannot be written."""
    try:
        progress = folder / "progress"
        progress.mkdir(parents=True, exist_ok=True)
        (folder / "checkpoints").mkdir(exist_ok=True)
        for old in progress.glob("*.counts"):
            old.unlink()
        probe = folder / f".probe-{time.time_ns()}"
        probe.touch()
        probe.unlink()
    except OSError as error:
        raise InputError(
            f"{folder}: {error.strerror or error}; give a folder for checkpoints that can be written"
        ) from None
    return folder
