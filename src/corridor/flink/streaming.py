"""`corridor run decide|picture --kafka`: the jobs over topics, on Flink inside this process or submitted by `flink run`."""

import logging
import os
import re
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any, Final

from corridor.errors import InputError
from corridor.flink import connectors
from corridor.flink.embedded import asked_histories, check_norms, prospect_of, trial_of
from corridor.flink.environment import Cluster, start, submitted
from corridor.flink.execution import Report, run
from corridor.flink.published import followed, judged_by
from corridor.flink.state import State, open_state, plan_kept
from corridor.flink.topics import Topics
from corridor.flink.worker import read_counters
from corridor.kafka import admin
from corridor.kafka.client import Settings
from corridor.kafka.connect import connect
from corridor.kafka.doctor import examine
from corridor.kafka.jars import jars
from corridor.kafka.topics import TOPICS
from corridor.picture.norms import FILE as NORMS
from corridor.rulebook.load import Shelf


def run_decide(topics: Topics, report: Report | None = None) -> dict[str, int]:
    """Judge what stands in the topic of declarations, and what comes; the workers' counters at the end.

    A job on a cluster gives no counters, and `flink run -d` does not wait for it. Raises CorridorError before
    anything is written if rulebook, jars, broker, topics or state are not fit.
    """
    begun = time.monotonic()
    rulebook, origin, shelf = judged_by(topics.rulebook, topics.registry, topics.trusted_keys)
    trial = trial_of(topics.shadow, topics.shadow_percent, shelf)
    prospect = prospect_of(topics.plan, shelf)
    histories = asked_histories(shelf, trial) if topics.histories else ()
    if origin is not None and topics.histories:
        histories = _kept(topics, histories, trial.histories if trial else ())
    bins = topics.picture and _watched(topics, shelf, origin is not None)
    if bins and origin is None:  # what a registry published before cannot be mended: workers pass over it
        check_norms(shelf)
    tables, work, kept = _begin(
        topics, "decide", topics.source.topic, _made_of(histories, topics.picture, bins)
    )
    from corridor.flink import decide  # noqa: PLC0415  # PyFlink is slow to import; not before the checks

    connectors.topics(tables, topics.settings, topics.source, _starting_ms(begun))
    plan = decide.Plan(
        rulebook=str(rulebook),
        histories=histories,
        trial=trial,
        mode="streaming",
        topic=topics.source.topic,
        picture=topics.picture,
        bins=bins,
        replay=topics.source.bounded,
        decided_at=topics.decided_at,
        progress=_progress(work),
        origin=followed(origin, topics, histories) if origin else None,
        prospect=prospect,
    )
    return _finish(decide.decide(tables, plan), tables, work, kept, report)


def run_picture(topics: Topics, report: Report | None = None) -> dict[str, int]:
    """Paint the picture from the topic of decisions alone; as `run_decide` otherwise.

    Not beside a `run_decide` that paints: both would write the same cells, this one without rejects and duplicates.
    """
    begun = time.monotonic()
    shelf = Shelf.load(topics.rulebook) if topics.rulebook else None
    prospect = prospect_of(topics.plan, shelf)
    bins = shelf is not None and shelf.holds(NORMS)
    if shelf is not None:
        check_norms(shelf)
    tables, work, kept = _begin(topics, "picture", TOPICS["decisions"], _made_of((), True, bins))
    from corridor.flink import picture  # noqa: PLC0415  # PyFlink is slow to import; not before the checks
    from corridor.flink.watching import Watch  # noqa: PLC0415

    own = replace(
        topics.settings, transactional_id_prefix=f"{topics.settings.transactional_id_prefix}-painter"
    )
    source = replace(topics.source, topic=TOPICS["decisions"], bound_ms=_readable_ms(topics))
    connectors.decisions(tables, own, source, bins, _starting_ms(begun))
    connectors.write_picture(tables, own)
    watch = Watch(str(topics.rulebook.resolve()), None) if topics.rulebook and bins else None
    live = not topics.source.bounded
    job = picture.picture(tables, _progress(work), "streaming", live, prospect, watch=watch)
    return _finish(job, tables, work, kept, report)


PICTURE: Final = "the picture of ten dimensions in windows"
"""What the state of a picture is called: one of other dimensions or sums cannot be gone on from."""
_DETECTOR: Final = "its detector"
_READABLE_MS: Final = 60_000
"""A decision is readable when the checkpoint is done that it was made in: the detector's bins wait so long at least."""
_REPLAYED_MS: Final = 36 * 3_600_000
"""Of a day that was replayed in a minute, decisions stand hours out of order in their partitions."""
_STARTING_MS: Final = 30_000
"""From the plan to the first records read, with some to spare."""
_LONGER: Final = 6
"""By how much that may take longer than from the beginning to the plan."""
_LOG: Final = logging.getLogger(__name__)
Histories = tuple[tuple[str, str], ...]


def _readable_ms(topics: Topics) -> int:
    """How long bins wait for decisions; the job that decides is taken to make checkpoints as often as this one.

    A bounded run is of what stands there, perhaps of a replay: its bins wait a day and a half, or for the end.
    """
    waits = _REPLAYED_MS if topics.source.bounded else _READABLE_MS
    return max(topics.source.bound_ms, waits, 2 * topics.checkpoint_ms)


def _made_of(histories: Histories, picture: bool, bins: bool) -> str:
    """What the job's state is made of, in words."""
    parts = [f"histories {', '.join('/'.join(pair) for pair in histories)}"] * bool(histories)
    return " and ".join([*parts, *[PICTURE] * picture, *[_DETECTOR] * bins])


def _watched(topics: Topics, shelf: Shelf, published: bool) -> bool:
    """Whether the job has the picture's detector: where norms of the picture are, unless its state is of one without.

    Norms may be published while a job runs that began without any: it must not stop for them when it is started again.
    """
    kept = plan_kept(topics.state) if published else ""
    if kept and shelf.holds(NORMS) != (_DETECTOR in kept):
        _LOG.warning("the state is of a run %s %s: it goes on so; a new --state changes that",
                     "with" if _DETECTOR in kept else "without", _DETECTOR)  # fmt: skip
        return _DETECTOR in kept
    return shelf.holds(NORMS)


def _kept(topics: Topics, asked: Histories, of_trial: Histories) -> Histories:
    """The histories that the state keeps, where a run goes on from it; else those asked for.

    A version of other histories may be in the registry already, for a job that is to be started anew: this one refuses
    it, as its workers did, and must not stop for it.
    """
    found = re.match(r"histories ((?:\w+/\w+(?:, )?)+)", plan_kept(topics.state))
    kept = (
        tuple((pair.split("/")[0], pair.split("/")[1]) for pair in found[1].split(", ")) if found else asked
    )
    return kept if set(of_trial) <= set(kept) else asked


def _begin(topics: Topics, job: str, topic: str, plan: str = "") -> tuple[Any, Path, str | None]:
    """Everything checked: the environment of a job, the folder in which this process may write, where Ctrl-C leaves state.

    plan: what the job's state is made of, beside its name.
    """
    _ready(topics.settings)
    connector = () if submitted() else jars("connector")
    state = open_state(topics.state, job, not submitted(), plan)
    work, latest = _work(state), state.latest()
    if topics.source.bounded and latest:
        raise InputError(
            f"{latest}: a bounded run cannot go on from there, as Flink's source of Kafka would never end "
            "(FLINK-31006); run without --bounded, or give a new --state and a new group"
        )
    tables = start(
        Cluster(
            work, topics.parallelism, mode="streaming", heap_mb=_heap_mb(), metrics_port=topics.metrics_port
        )
    )
    config = tables.get_config()
    for key, value in _settings(topics, job).items():
        config.set(key, value)
    config.set("execution.checkpointing.dir", state.checkpoints)
    if connector:
        config.set("pipeline.jars", ";".join(path.resolve().as_uri() for path in connector))
    if latest and not config.get(_RESTORED, ""):
        config.set(_RESTORED, latest)
        if not latest.startswith(
            state.savepoints
        ):  # a checkpoint replaces it; a savepoint there stays its maker's
            config.set("execution.state-recovery.claim-mode", "CLAIM")
    if not config.get(_RESTORED, "") and not topics.source.from_beginning:
        _unread(topics.settings, topic)
    return tables, work, None if topics.source.bounded else state.stopped


def _starting_ms(begun: float) -> int:
    """For how long ticks wait for the backlog, from now: a machine that took long so far will take long to read it."""
    return max(_STARTING_MS, int(_LONGER * (time.monotonic() - begun) * 1000))


def _finish(
    statements: Any, tables: Any, work: Path, kept: str | None, report: Report | None
) -> dict[str, int]:
    """Run the statements; the workers' counters, or none on a cluster."""
    waited = not submitted() or tables.get_config().get("execution.attached", "false") == "true"
    run(statements, work, None, report, waited, kept)
    return {} if submitted() else read_counters(work / "progress")


def _heap_mb() -> int:
    """A quarter of the machine's memory, up to 6 GiB: a larger heap is collected less often."""
    return min(6144, max(1024, os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") >> 22))


def _progress(work: Path) -> str | None:
    return None if submitted() else str(work / "progress")


_RESTORED: Final = "execution.state-recovery.path"
"""From where state comes; `flink run -s` sets it."""


def _settings(topics: Topics, job: str) -> dict[str, str]:
    """What belongs to this job, wherever it runs."""
    return {
        "pipeline.name": f"corridor {job}",
        "execution.checkpointing.interval": f"{topics.checkpoint_ms} ms",
        "execution.checkpointing.incremental": "true",
        "python.fn-execution.bundle.time": str(topics.bundle_ms),
        "state.backend.type": topics.backend,
        "table.exec.state.ttl": f"{topics.ttl_days} d",
    }


def _unread(settings: Settings, topic: str) -> None:
    """InputError if the group has read of the topic before: what lay in the windows then would be lost without a word."""
    if admin.committed(connect(settings), settings.group, topic):
        raise InputError(
            f"the group {settings.group!r} has read of {topic} before, and there is no checkpoint to go on from: give the "
            "--state of that run (on a cluster -s), or --from-beginning, or another group"
        )


def _ready(settings: Settings) -> None:
    """Ask what `corridor doctor` asks. InputError for the first answer that would stop the job.

    On a cluster jars and Java are the cluster's.
    """
    for line in examine(lambda: settings):
        if line.ok is False and not (submitted() and line.name in ("Java", "jars", "connector")):
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
