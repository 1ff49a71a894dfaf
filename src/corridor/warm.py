"""Compile every kernel once, so that no worker, test or demo waits for it: `python -m corridor.warm`.

A small service is simulated, a rulebook fitted on it and a day judged; what was compiled stays in the
cache (see `kernels/_jit.py`). The set-up of a machine and the build of an image run it. Numba compiles one kernel at a time,
so a second process compiles what needs no rulebook meanwhile.
"""

import contextlib
import importlib
import shutil
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path
from typing import Final

import numpy as np

from corridor.cache import cache_folder

STARTED: Final = (
    *(
        "pyflink.fn_execution.beam.beam_operations",
        "apache_beam.runners.worker.sdk_worker_main",
        "pyflink.table",
    ),
    *("corridor.cli", "corridor.flink.decide", "corridor.flink.embedded", "corridor.study.demo"),
    *("corridor.study.report.terminal", "corridor.console.server", "corridor.console.screenshots"),
)
"""What a run, its workers, the demo and the page import: their bytecode is written here, once."""
UNUSED_DAYS: Final = 30
"""Compiled code that nothing has used for so long is removed."""
DECLARATION: Final = (
    b'{"declaration_id":"10131010/221126/3000001","version":1,"function":"original",'
    b'"registered_at":"2026-11-02T08:15:30.123Z","office":"10131010","direction":"import","procedure":"40",'
    b'"transport_mode":3,"declarant":"7712345678","importer":"5012345678","exporter":"CN-0004711",'
    b'"dispatch_country":"CN","delivery_terms":"FOB","items":[{"item_no":1,"hs_code":"8715001000",'
    b'"description":"Baby carriages, folding","origin_country":"CN","net_mass_kg":1430.5,"gross_mass_kg":1544.9,'
    b'"quantity":220,"unit":"NMB","packages":44,"invoice_amount":19103.40,"currency":"USD",'
    b'"customs_value":1767064.50,"duty":88353.22,"vat":371083.55,"trace_id":null}]}\n'
)


def warm(work: Path) -> None:
    """Compile everything, in two processes; below `work` a small service is made."""
    beside = subprocess.Popen([sys.executable, "-m", __spec__.name, "beside"])
    try:
        decide(work)
    finally:
        failed = beside.wait()
    if failed:
        raise SystemExit(failed)
    encode()  # what either process left to the other


def decide(work: Path) -> None:
    """Go the whole way once: simulate a service, fit a rulebook on it, judge a day, look at its picture."""
    from corridor.history import History  # noqa: PLC0415  # the other process must not wait for these
    from corridor.judge import judge  # noqa: PLC0415
    from corridor.messages import decision, packed, trace  # noqa: PLC0415
    from corridor.messages.declaration import decode_lines  # noqa: PLC0415
    from corridor.picture.hourly import hourly  # noqa: PLC0415
    from corridor.picture.norms import PictureNorms  # noqa: PLC0415
    from corridor.picture.replay import detect  # noqa: PLC0415
    from corridor.rulebook.load import load  # noqa: PLC0415
    from corridor.rulebook.sample import sample_path  # noqa: PLC0415
    from corridor.simulate import Options, Service, folder  # noqa: PLC0415
    from corridor.study.backtest.answer import backtest  # noqa: PLC0415
    from corridor.study.backtest.question import Question  # noqa: PLC0415
    from corridor.study.fit import fit  # noqa: PLC0415

    span = folder.Span(date(2026, 11, 2), 4, 400, Options(results=True, garbage=0.02), "none")
    folder.write(Service(1), span, work / "service", lambda day, records: None)
    declarations = work / "service" / "declarations"
    fit(declarations, work / "service" / "results", work / "rulebook", sample_path())
    backtest(
        Question(declarations, work / "rulebook", against=sample_path(), results=work / "service" / "results")
    )
    rulebook = load(work / "rulebook")
    block = next(iter(sorted(declarations.glob("*.ndjson")))).read_bytes()
    batch = packed.unpack(packed.pack(decode_lines(block, 0).declarations))
    history = History.none(len(batch))
    verdicts = judge(batch, history, rulebook)
    decision.encode(batch, verdicts, 0)
    trace.encode(batch, history, rulebook.version)
    detect(hourly(batch), PictureNorms.load(work / "rulebook"), rulebook.participants)


def score() -> None:
    """Score by small trees, with ranks of 8 bits and of 16: a small service's findings may bear out no model."""
    import lightgbm  # noqa: PLC0415  # as above

    from corridor.kernels import ranked, trees  # noqa: PLC0415
    from corridor.rulebook.lightgbm import read  # noqa: PLC0415
    from corridor.rulebook.ranking import paths, rank  # noqa: PLC0415

    rows = np.random.default_rng(1).random((200, 2))
    settings = {"objective": "binary", "num_threads": 1, "verbose": -1}
    booster = lightgbm.train(settings, lightgbm.Dataset(rows, rows[:, 0] > rows[:, 1]), 2)
    with tempfile.TemporaryDirectory() as folder:
        booster.save_model(text := Path(folder, "model.txt"))
        _, forest = read(text)
    narrow, ways = rank(forest), paths(forest, np.zeros(2, np.int8))
    assert narrow.above.dtype == np.uint8
    wide = {name: getattr(narrow, name).astype(np.uint16) for name in ("above", "start", "target")}
    for ordered in (narrow, ranked.RankedForest.of(**(narrow._asdict() | wide))):
        ranked.raw(ordered, rows)
        ranked.contributions(ordered, ways, rows)
    trees.contributions(forest, rows)
    trees.probability(np.zeros(1), 1.0, 0.0)
    trees.share(np.zeros(1), 1.0)


def encode() -> None:
    """What needs no rulebook: a declaration read, packed and decided by nobody, and its picture."""
    from corridor.history import History  # noqa: PLC0415  # as above
    from corridor.kernels import bands  # noqa: PLC0415
    from corridor.kernels.tally import NEVER  # noqa: PLC0415
    from corridor.messages import decision, packed, picture, trace  # noqa: PLC0415
    from corridor.messages.declaration import decode, decode_lines  # noqa: PLC0415
    from corridor.picture.changes import by_bin, by_day, by_minute, prices  # noqa: PLC0415
    from corridor.rulebook.lists import CodeList  # noqa: PLC0415
    from corridor.rulebook.snoozes import Snooze, Snoozes  # noqa: PLC0415
    from corridor.verdicts import REASONS, Verdicts  # noqa: PLC0415

    decode([DECLARATION], np.zeros(1, np.int64))
    batch = packed.unpack(packed.pack(decode_lines(DECLARATION, 0).declarations))
    one, small, none = np.ones(1), np.zeros(1, np.int8), np.zeros((1, REASONS))
    verdicts = Verdicts(
        small, one, np.zeros(1, np.int64), small, small != 0, one, one, small, none.astype(np.int8) - 1,
        none.astype(np.int32), none, batch.heads["quality"], batch.items["quality"], (), "",
    )  # fmt: skip
    lines = decision.encode(batch, verdicts, 0)
    decision.decode_decisions(lines)
    picture.encode_columns("day", [0], [1], ["office"], ["1"], [[0] * len(picture.MEASURES)], [False])
    added, of = decision.contributions(batch, verdicts), decision.goods(batch)
    by_minute(added, of, np.full(1, NEVER))
    by_day(added, of, np.full(1, NEVER), np.full(1, NEVER))
    by_bin(added, of.chapters, of.origins, np.array(["1"], object), prices(batch))
    bands.share_tails(one, one, one / 2, one / 2)
    trace.encode(batch, History.none(1), "")
    CodeList.of("dated", [("1", 0, 1)]).holds(np.zeros(1, np.int64), np.zeros(1))
    snooze = Snooze("", "office", "1", 0, 1, "", "", 1)
    Snoozes((snooze,), ("",)).silence(np.zeros((1, len(batch.items)), np.uint8), batch)


def clear(cache: Path, now: float) -> int:
    """Remove compiled code that nothing has used for UNUSED_DAYS before `now` (seconds); how many files' code."""
    removed = 0
    for folder in {path.parent for path in cache.rglob("*.nbi")}:
        with contextlib.suppress(OSError):  # another process clears too
            if folder.stat().st_mtime < now - UNUSED_DAYS * 86_400:  # `kernels._jit` sets it at every use
                shutil.rmtree(folder)
                removed += 1
    return removed


if __name__ == "__main__":
    if sys.argv[1:] == ["beside"]:
        encode()
        score()
        for name in STARTED:
            importlib.import_module(name)
    else:
        begun = time.perf_counter()
        with tempfile.TemporaryDirectory() as where:
            warm(Path(where))
        print(f"kernels are compiled ({time.perf_counter() - begun:.0f} s)", file=sys.stderr)
        clear(cache_folder() / "numba", time.time())
