"""The whole `judge` on one core: 100 rules, 200 trees, norms, reasons for what is not green.

    .venv/bin/python bench/judge.py [--declarations 20000]

A service is simulated, a rulebook fitted on it, its rules repeated with other constants up to
100; then a day is judged in batches of 5,000, alone and with a candidate beside it. Prints declarations and goods items
a second and the share of the time that each step takes (each step's own time, callees that have a row of their own
taken off).
"""

import os

os.environ["NUMBA_NUM_THREADS"] = "1"  # before numba is imported

import argparse
import copy
import dataclasses
import functools
import re
import tempfile
import time
from datetime import UTC, date, datetime
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table
from ruamel.yaml import YAML
from side_by_side import alternate, machine, rate, ratio

from corridor import judge as judging
from corridor.features import Columns
from corridor.history import History
from corridor.kernels import corridors, integrate, reasons, sampling
from corridor.messages.columns import Declarations
from corridor.messages.decision import encode
from corridor.messages.declaration import decode
from corridor.rulebook.book import PARTS, Rulebook
from corridor.rulebook.candidate import Candidate
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.model import Model
from corridor.rulebook.rules import RuleSet
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, declarations
from corridor.simulate import folder as simulated
from corridor.study import recovery
from corridor.study.fit import fit

BATCH = 5_000
RULES = 102  # two of the sample's are watched only, in the shadow
SEED = 7
STEPS = (
    (judging, "assess_quality", "data quality"),
    (Columns, "number", "fields"),
    (Columns, "norm", "norms"),
    (Model, "raw", "trees"),
    (Model, "group_contributions", "reasons: path contributions"),
    (RuleSet, "run", "rules"),
    (integrate, "integrate", "integrator"),
    (corridors, "choose", "corridors"),
    (reasons, "explain", "reasons: choice"),
    (sampling, "draw", "random control group"),
)


class Steps:
    """Own time of each step; a step within a step is counted once."""

    def __init__(self) -> None:
        self.seconds: dict[str, float] = {}
        self._inner: list[float] = []

    def wrap(self, owner: object, name: str, label: str) -> None:
        """Measure every call of `owner.name` under `label`."""
        function = getattr(owner, name)

        @functools.wraps(function)
        def timed(*args, **kwargs):
            self._inner.append(0.0)
            start = time.perf_counter()
            try:
                return function(*args, **kwargs)
            finally:
                whole = time.perf_counter() - start
                self.seconds[label] = self.seconds.get(label, 0.0) + whole - self._inner.pop()
                if self._inner:
                    self._inner[-1] += whole

        setattr(owner, name, timed)


def with_rules(folder: Path, count: int) -> Rulebook:
    """The rulebook in `folder` with its rules repeated, constants varied, until there are `count`."""
    yaml, path = YAML(typ="safe", pure=True), folder / "rules.yaml"
    rules = yaml.load(path)["rules"]
    for k in range(count - len(rules)):
        rule = copy.deepcopy(rules[k])
        rule["id"] = f"{rule['id']}-{k}"
        rule["when"] = re.sub(r"(?<=[<>] )(\d+\.?\d*)", lambda m: f"{float(m[1]) * 1.01:g}", rule["when"])
        rules.append(rule)
    yaml.dump({"rules": rules[:count]}, path)
    write_manifest(folder, "bench", datetime(2020, 1, 1, tzinfo=UTC))
    return load(folder)


def fitted(folder: Path) -> Rulebook:
    """A rulebook of 100 rules fitted on ten simulated days."""
    span = simulated.Span(date(2026, 11, 2), 10, 8_000, Options(results=True), "none")
    simulated.write(Service(SEED), span, folder / "service", lambda day, records: None)
    history = folder / "service"
    recovery.BORNE_OUT = ()  # type: ignore[misc]  # what it costs is asked here, not whether it is worth it
    fit(history / "declarations", history / "results", folder / "rulebook", sample_path())
    return with_rules(folder / "rulebook", RULES)


def some_history(rulebook: Rulebook, n: int) -> History:
    """Everybody's first declaration of the week; the size of a count does not change the work."""
    names = tuple(
        f"{party}_{bucket}_{what}"
        for party, bucket in rulebook.policy.histories
        for what in ("count", "value")
    )
    values = np.ones((len(names), n), np.int64)
    return dataclasses.replace(History.none(n), names=names, values=values)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--declarations", type=int, default=20_000)
    parser.add_argument("--repetitions", type=int, default=5)
    options = parser.parse_args()
    console = Console(width=130)
    with tempfile.TemporaryDirectory() as folder:
        foretelling = fitted(Path(folder))
    rulebook = dataclasses.replace(foretelling, recovery=None)
    batch = decode(declarations(options.declarations, SEED, date(2026, 11, 12)), 0).declarations
    history = some_history(rulebook, len(batch))
    parts = [np.arange(i, min(i + BATCH, len(batch))) for i in range(0, len(batch), BATCH)]
    batches = [(batch.take(rows), history.take(rows)) for rows in parts]
    verdicts = [judging.judge(part, known, rulebook) for part, known in batches]
    trees = rulebook.model.forest if rulebook.model else None
    console.print(machine("numba", "numpy"))
    share = np.mean(np.concatenate([v.corridor for v in verdicts]) > 0)
    console.print(
        f"{len(batch):,} declarations, {len(batch.items):,} items, batches of {BATCH:,}; {len(rulebook.rules.ids)} rules,"
        f" {tree_count(trees)} trees, {share:.0%} not green and so explained; one thread"
    )
    trials = {
        f"judge, and a candidate with {what}": Candidate(book) for what, book in candidates(rulebook).items()
    }
    seconds = alternate(
        {
            "judge": lambda: [judging.judge(part, known, rulebook) for part, known in batches],
            "judge, and what findings bring in": lambda: [
                judging.judge(part, known, foretelling) for part, known in batches
            ],
            **{
                name: functools.partial(with_candidate, batches, rulebook, candidate)
                for name, candidate in trials.items()
            },
            "decision to JSON": lambda: [
                encode(part, said, 0) for (part, _), said in zip(batches, verdicts, strict=True)
            ],
        },
        options.repetitions,
    )
    for name, spent in seconds.items():
        console.print(
            f"{name}: {rate(len(batch.items), spent)} items, {rate(len(batch), spent)} declarations"
        )
    for name in ("judge, and what findings bring in", *trials):
        slower = ratio(seconds["judge"], seconds[name])
        console.print(f"{name}: {slower} x the time of judge alone")
    console.print(steps_table(batches, rulebook))


def candidates(rulebook: Rulebook) -> dict[str, Rulebook]:
    """Rulebooks to be tried: one that is the same but for its rules, and one of which no part is the same."""
    rules = RuleSet.of(rulebook.rules.rules)
    parts = {part: copy.copy(getattr(rulebook, part)) for part in PARTS}
    return {
        "other rules": dataclasses.replace(rulebook, rules=rules),
        "everything other": dataclasses.replace(rulebook, rules=rules, **parts, sampling_key=b"other"),
    }


def with_candidate(
    batches: list[tuple[Declarations, History]], rulebook: Rulebook, candidate: Candidate
) -> None:
    """Judge, and ask a candidate about each declaration."""
    for part, known in batches:
        judging.beside(judging.judgement(part, known, rulebook), candidate)


def tree_count(forest: object) -> int:
    """Trees in a forest, 0 without a model."""
    return len(forest.root) if forest is not None else 0


def steps_table(batches: list[tuple[Declarations, History]], rulebook: Rulebook) -> Table:
    """Each step's own time, measured in one more run."""
    steps = Steps()
    for owner, name, label in STEPS:
        steps.wrap(owner, name, label)
    start = time.perf_counter()
    for part, known in batches:
        judging.judge(part, known, rulebook)
    whole = time.perf_counter() - start
    items = sum(len(part.items) for part, _ in batches)
    table = Table("step", "share", "ns an item", title="where the time of judge goes")
    rest = whole - sum(steps.seconds.values())
    for label, spent in [*sorted(steps.seconds.items(), key=lambda row: -row[1]), ("everything else", rest)]:
        table.add_row(label, f"{spent / whole:.1%}", f"{spent / items * 1e9:,.0f}")
    return table


if __name__ == "__main__":
    main()
