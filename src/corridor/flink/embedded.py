"""`corridor run` on files: both jobs on embedded Flink, from checked input to finished folders."""

import json
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from corridor.flink import connectors, folders
from corridor.flink.bin_views import BINS
from corridor.flink.detecting import write_anomalies
from corridor.flink.environment import Cluster, start
from corridor.flink.execution import Report, run
from corridor.flink.failures import write_failures
from corridor.flink.published import judged_by
from corridor.flink.summary import anomaly_kinds, decide_summary, picture_summary, read_rows
from corridor.flink.trial import Trial
from corridor.picture.forecast import Prospect
from corridor.picture.norms import FILE as NORMS
from corridor.picture.norms import PictureNorms
from corridor.picture.plan import PaymentPlan
from corridor.rulebook.load import Shelf


@dataclass(frozen=True, slots=True)
class Files:
    """A run over files.

    rulebook: None for the shipped sample, or with registry; for the picture alone, whose norms make forecasts and its
    detector;
    decided_at: microseconds, None for now; plan: of payments.
    """

    input: Path
    output: Path
    rulebook: Path | None = None
    shadow: Path | None = None
    shadow_percent: int = 100
    parallelism: int | None = None
    picture: bool = True
    histories: bool = True
    registry: str | None = None
    trusted_keys: Path | None = None
    decided_at: int | None = None
    plan: Path | None = None


def run_decide(files: Files, report: Report | None = None) -> dict[str, Any]:
    """Judge all declarations under `files.input`; the summary, which also stands in summary.json.

    Raises CorridorError before anything is written if input, rulebook or output are not fit; nothing is
    left behind by a run that fails or is stopped.
    """
    begun = time.time()
    material = folders.find_material(files.input)
    rulebook, origin, shelf = judged_by(files.rulebook, files.registry, files.trusted_keys)
    trial = trial_of(files.shadow, files.shadow_percent, shelf)
    prospect = prospect_of(files.plan, shelf)
    if files.picture:
        check_norms(shelf)
    with folders.staging(files.output, material.size) as work:
        from corridor.flink import decide  # noqa: PLC0415  # PyFlink is slow to import; not before the checks

        tables = start(Cluster(_folder(work, "flink"), files.parallelism or 2, material.size))
        connectors.read_lines(tables, "lines", material.path, material.pattern)
        for name in decide.SINKS:
            connectors.write_lines(tables, name, work / "parts" / name)
        for name, columns in (
            ("counts", decide.COUNTS),
            ("bins", BINS),
            ("failures", decide.FAILURES),
        ):
            connectors.write_rows(tables, name, columns, work / "rows" / name)
        plan = decide.Plan(
            rulebook=str(rulebook),
            histories=asked_histories(shelf, trial) if files.histories else (),
            trial=trial,
            picture=files.picture,
            bins=files.picture and shelf.holds(NORMS),
            decided_at=int(begun * 1e6) if files.decided_at is None else files.decided_at,
            progress=str(_folder(work, "progress")),
            origin=origin,
            prospect=prospect,
        )
        total = material.lines()
        run(decide.decide(tables, plan), work, total, report)
        made = _folder(work, "made")
        for name in decide.SINKS if files.picture else decide.SINKS[:-1]:
            folders.settle(work / "parts" / name, made / name)
        write_failures(read_rows(work / "rows" / "failures"), material.files, made / "rejects")
        if plan.bins:
            write_anomalies(work / "rows" / "bins", shelf, made / "anomalies")
        summary = decide_summary(work / "rows", made, total, shelf)
        summary["seconds"] = round(time.time() - begun, 3)
        (made / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        folders.publish(made, files.output)
    return summary


def run_picture(files: Files, report: Report | None = None) -> dict[str, Any]:
    """Paint the picture from the decisions under `files.input`; errors as in `run_decide`."""
    begun = time.time()
    material = folders.find_material(files.input)
    shelf = Shelf.load(files.rulebook) if files.rulebook else None
    prospect, bins = prospect_of(files.plan, shelf), shelf is not None and shelf.holds(NORMS)
    if shelf is not None:
        check_norms(shelf)
    with folders.staging(files.output, material.size) as work:
        from corridor.flink import picture  # noqa: PLC0415  # PyFlink is slow to import; not before the checks

        tables = start(Cluster(_folder(work, "flink"), files.parallelism or 2, material.size))
        connectors.read_lines(tables, "lines", material.path, material.pattern)
        connectors.write_lines(tables, "picture", work / "parts" / "picture")
        for name, columns in (("counts", picture.COUNTS), ("bins", BINS)):
            connectors.write_rows(tables, name, columns, work / "rows" / name)
        total, progress = material.lines(), str(_folder(work, "progress"))
        run(picture.picture(tables, progress, prospect=prospect, bins=bins), work, total, report)
        made = _folder(work, "made")
        folders.settle(work / "parts" / "picture", made / "picture")
        summary = picture_summary(work / "rows", total)
        if shelf is not None and bins:
            write_anomalies(work / "rows" / "bins", shelf, made / "anomalies")
            summary["anomalies"] = anomaly_kinds(made / "anomalies")
        summary["seconds"] = round(time.time() - begun, 3)
        (made / "summary.json").write_text(json.dumps(summary, indent=2) + "\n")
        folders.publish(made, files.output)
    return summary


def _folder(work: Path, name: str) -> Path:
    folder = work / name
    folder.mkdir()
    return folder


def trial_of(candidate: Path | None, percent: int, shelf: Shelf) -> Trial | None:
    """The candidate of a run, read once so that its faults are told before anything is written."""
    if candidate is None:
        return None
    trial = Trial(str(candidate.resolve()), percent)
    found = trial.load(shelf).rulebook
    return replace(trial, own_rules=found.version in shelf.versions, histories=found.policy.histories)


def prospect_of(plan: Path | None, shelf: Shelf | None) -> Prospect | None:
    """The plan of payments, read once so that its faults are told before anything is written, and norms of the shelf."""
    if plan is None:
        return None
    found = PaymentPlan.load(plan)
    if shelf is None:
        return Prospect(found)
    offices = shelf.rulebooks[-1].lists.get("offices")
    if offices is not None and len(offices):
        found.check(offices, plan)
    books = [book for book in shelf.rulebooks if NORMS in book.files]
    norms = [(book.effective_from, PictureNorms.load(shelf.folders[book.version])) for book in books]
    return Prospect(found, tuple(norms))


def check_norms(shelf: Shelf) -> None:
    """Refuse norms of the picture that cannot be used before a run takes its time. RulebookError as `PictureNorms.load`."""
    for book in shelf.rulebooks:
        if NORMS in book.files:
            PictureNorms.load(shelf.folders[book.version])


def asked_histories(shelf: Shelf, trial: Trial | None = None) -> tuple[tuple[str, str], ...]:
    """The histories that any rulebook on the shelf asks for, or the one under trial, each once."""
    return tuple(dict.fromkeys((*shelf.histories, *(trial.histories if trial is not None else ()))))
