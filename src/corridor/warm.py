"""Compile every kernel once, so that no worker, test or demo waits for it: `python -m corridor.warm`.

A small service is simulated, a rulebook fitted on it and a day judged; what was compiled stays in the
cache (see `kernels/_jit.py`). The set-up of a machine and the build of an image run it.
"""

import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import numpy as np

from corridor.history import History
from corridor.judge import judge
from corridor.kernels import trees
from corridor.messages import decision, packed, picture, trace
from corridor.messages.declaration import decode_lines
from corridor.picture.changes import by_day, by_minute
from corridor.picture.hourly import hourly
from corridor.picture.norms import PictureNorms
from corridor.picture.replay import detect
from corridor.rulebook.lists import CodeList
from corridor.rulebook.load import load
from corridor.rulebook.sample import sample_path
from corridor.rulebook.snoozes import Snooze, Snoozes
from corridor.simulate import Options, Service, folder
from corridor.study.backtest.answer import backtest
from corridor.study.backtest.question import Question
from corridor.study.fit import fit


def warm(work: Path) -> None:
    """Go the whole way once on a small service below `work`."""
    span = folder.Span(date(2026, 11, 2), 4, 400, Options(results=True, garbage=0.02), "none")
    folder.write(Service(1), span, work / "service", lambda day, records: None)
    declarations = work / "service" / "declarations"
    fit(declarations, work / "service" / "results", work / "rulebook", sample_path())
    backtest(
        Question(declarations, work / "rulebook", against=sample_path(), results=work / "service" / "results")
    )
    rulebook = load(work / "rulebook")
    trees.share(np.zeros(1), 1.0)  # a small service's findings bear out no recovery model
    block = next(iter(sorted(declarations.glob("*.ndjson")))).read_bytes()
    batch = packed.unpack(packed.pack(decode_lines(block, 0).declarations))
    history = History.none(len(batch))
    verdicts = judge(batch, history, rulebook)
    CodeList.of("dated", [("1", 0, 1)]).holds(np.zeros(1, np.int64), np.zeros(1))
    snooze = Snooze("", "office", "1", 0, 1, "", "", 1)
    Snoozes((snooze,), ("",)).silence(np.zeros((1, len(batch.items)), np.uint8), batch)
    lines = decision.encode(batch, verdicts, 0)
    trace.encode(batch, history, rulebook.version)
    added, never = decision.contributions(batch, verdicts), np.zeros(len(batch), np.int64)
    by_minute(added, decision.goods(batch), never)
    by_day(added, decision.goods(batch), never, never)
    decision.decode_decisions(lines)
    norms = PictureNorms.load(work / "rulebook")
    detect(hourly(batch), norms, rulebook.participants)
    picture.encode_columns("day", [0], [1], ["office"], ["1"], [[0] * len(picture.MEASURES)], [False])


if __name__ == "__main__":
    begun = time.perf_counter()
    with tempfile.TemporaryDirectory() as where:
        warm(Path(where))
    print(f"kernels are compiled ({time.perf_counter() - begun:.0f} s)", file=sys.stderr)
