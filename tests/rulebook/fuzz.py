"""Inputs made of valid ones by random edits, given to the parser and the loader of rulebooks.

What comes out is a value or a CorridorError, within `LIMIT` seconds of the processor; anything else is a finding.
Everything follows from the seed and the number of the case, so a finding can be had again:

    python -m tests.rulebook.fuzz        # a million inputs (`make fuzz`)
    python -m tests.rulebook.fuzz --only lists --first 1234 --count 1
"""

import argparse
import faulthandler
import io
import random
import signal
import sys
import tempfile
import time
import traceback
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from types import FrameType
from typing import Any, Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from corridor.cases import read_cases
from corridor.errors import CorridorError
from corridor.picture.norms import PictureNorms
from corridor.rulebook import guide, lightgbm
from corridor.rulebook.check import examine
from corridor.rulebook.documents import Problems, read_yaml
from corridor.rulebook.encodings import Encodings
from corridor.rulebook.language import parse
from corridor.rulebook.lists import read_list
from corridor.rulebook.load import load
from corridor.rulebook.manifest import read_manifest, write_manifest
from corridor.rulebook.model import Model
from corridor.rulebook.norms import NormTable
from corridor.rulebook.participants import ParticipantTable
from corridor.rulebook.policy import read_policy
from corridor.rulebook.program import compile_rules
from corridor.rulebook.rates import RateTable
from corridor.rulebook.recovery import Recovery
from corridor.rulebook.rules import read_rules
from corridor.rulebook.sample import sample_path
from corridor.rulebook.semantics import Checker
from corridor.rulebook.shares import ShareTable
from corridor.rulebook.snoozes import read_snoozes
from tests import forests
from tests.rulebook import rule_material as material
from tests.rulebook import test_encodings, test_norms, test_participants, test_shares

LIMIT: Final = 10.0
SLOW: Final = 5.0
DEEP: Final = 10_000
PIECES: Final = (
    *("(", ")", "[", "]", "{", "}", '"', "'", ",", ":", "- ", "\n", "\t", " ", "#", "|", ">", "&a ", "*a", "!!", "? ", "%"),
    *("\\", "not ", " and ", " or ", " in ", "==", "<", "-", "+", "*", "/", ".", "lists.", "item.", "has(", "min(", "=~"),
    *("0", "-1", "1e999", "1e-999", "nan", ".nan", ".inf", "9" * 25, "0x", "1_000", "9" * 20 + "e99999999", "true", "null"),
    *("2026-02-30", "0001-01-01", "9999-12-31", "2026-01-01T00:00:00+99:99", "\\ud800", "\\x00", "\\U0010ffff", "~"),
    *("\ufeff", "\0", "\N{CYRILLIC SMALL LETTER ES}", "\N{CYRILLIC CAPITAL LETTER ER}", "\u200b", "\u202e", "\uff41"),
    *("!!python/object/apply:os.system ['x']", "<<: *a", "--- ", "...", "&x [*x]", "!!binary aGk=", "%YAML 9.9\n"),
    *("matches(", "end of trees\n", "\r", "\u2028", "\x85", "=", "\N{SNOWMAN}"),
)  # fmt: skip


@dataclass(frozen=True)
class Target:
    """What is given inputs: the valid ones they are made of, how one is read, its share of all cases."""

    seeds: tuple[bytes, ...]
    name: str
    read: Callable[[Path], Any]
    share: float
    make: Callable[[random.Random], bytes] | None = None
    """Makes half of the inputs, where edits of bytes alone would not come far."""


@dataclass
class Tally:
    """What came out, of each target."""

    cases: Counter[str] = field(default_factory=Counter)
    accepted: Counter[str] = field(default_factory=Counter)
    refused: Counter[str] = field(default_factory=Counter)
    seconds: Counter[str] = field(default_factory=Counter)
    slowest: dict[str, float] = field(default_factory=dict)
    findings: list[str] = field(default_factory=list)


# Inputs


def mutated(seed: bytes, pick: random.Random, others: tuple[bytes, ...]) -> bytes:
    """A few random edits of a valid input; now and then something whole and wild."""
    if pick.random() < 0.01:
        return wild(pick, seed)
    data = bytearray(seed)
    for _ in range(1 + int(pick.expovariate(0.5))):
        at = pick.randrange(len(data) + 1)
        end = min(len(data), at + int(pick.expovariate(0.1)))
        kind = pick.randrange(7)
        if kind == 0 and data:
            data[min(at, len(data) - 1)] ^= 1 << pick.randrange(8)
        elif kind == 1:
            del data[at:end]
        elif kind == 2:
            data[at:at] = data[at:end] * pick.randrange(1, 5)
        elif kind == 3:
            data[at:end] = pick.choice(PIECES).encode()
        elif kind == 4:
            data[at:at] = pick.choice(PIECES).encode()
        elif kind == 5:
            other = pick.choice(others)
            start = pick.randrange(len(other) + 1)
            data[at:at] = other[start : start + int(pick.expovariate(0.03))]
        else:
            data[at:end] = pick.randbytes(end - at)
    return bytes(data)


def wild(pick: random.Random, seed: bytes) -> bytes:
    """Something deep, cut short, repeated or random."""
    kind = pick.randrange(5)
    if kind == 0:
        return pick.choice((b"(", b"[", b"{a: ", b"- ", b"not ", b"-", b'"', b"\\", b"? ")) * pick.choice(
            (DEEP, 300, 60)
        )
    if kind == 1:
        return seed[: pick.randrange(len(seed) + 1)]
    if kind == 2:
        return seed * pick.randrange(2, 5)
    return pick.randbytes(pick.randrange(400)) if kind == 3 else b""


def expression(text: bytes) -> None:
    """Parse, check and compile a condition."""
    try:
        condition = text.decode()
    except UnicodeDecodeError:
        return
    compile_rules([CHECKER.condition(parse(condition))])


CHECKER: Final = Checker(material.code_lists())


def yaml(reader: Callable[[Any, Problems], Any]) -> Callable[[Path], None]:
    """Read a YAML file by one of the rulebook's readers; problems are refusals."""

    def read(path: Path) -> None:
        problems = Problems()
        document = read_yaml(path, path.name, problems)
        if document is not None:
            reader(document, problems)
        problems.refuse(path.parent)

    return read


def read_faults(path: Path) -> None:
    """Read a list; its faults are refusals."""
    try:
        faults = read_list(path)[1]
    except (UnicodeDecodeError, ValueError) as error:  # check.py tells of these
        if isinstance(error, UnicodeDecodeError):
            raise CorridorError(str(error)) from error
        raise
    if faults:
        raise CorridorError(faults[0][1])


def targets(folder: Path) -> list[Target]:
    """All of them; `folder` is where valid files are made."""
    lists, rules = material.code_lists(), load(material.seal(least(folder / "least"))).rules.rules
    conditions = tuple(when.encode() for _, when in guide.EXAMPLES)
    sample = sample_path()
    some_rules = b"rules:\n" + b"\n\n".join((sample / "rules.yaml").read_bytes().split(b"\n\n")[1:4])
    model, sheet = small_model(folder)
    manifest = (folder / "least" / "manifest.yaml").read_bytes()
    csvs = (b"code,valid_from,valid_until,reason,owner,name\nCN,,2026-12-31,why,unit,x\n\"a, b\",2026-01-01,,,,\nHK,,,,,\n",
            b"code\n8517\n9503\n010121\n")  # fmt: skip
    snoozes = (b"rule,subject,code,valid_from,valid_until,reason,owner\nR1,importer,77,2026-11-01,2026-11-30,known,unit\n"
               b"R1,office,1,2026-01-01,2026-12-31,\"a, b\",unit\n",)  # fmt: skip
    cases = b"\n".join((sample / "cases.yaml").read_bytes().split(b"\n")[:40])
    book = load(sample)
    read_model = _model_of(folder, sheet)
    return [
        Target(conditions, "expressions", lambda path: expression(path.read_bytes()), 0.62),
        Target(csvs, "lists", read_faults, 0.1),
        Target(snoozes, "snoozes", lambda path: _refusing(lambda p: read_snoozes(path, rules, p), path), 0.1),
        Target((some_rules, ("rules:\n" + material.RULE).encode()), "rules",
               yaml(lambda d, p: read_rules(d, lists, "r", p)), 0.03),
        Target(((sample / "corridors.yaml").read_bytes(), material.CORRIDORS.encode()), "corridors",
               yaml(lambda d, p: read_policy(d, "c", p)), 0.02),
        Target((manifest,), "manifests", yaml(lambda d, p: read_manifest(d, folder / "least", p)), 0.02),
        Target((cases,), "cases", lambda path: read_cases(path, book), 0.005),
        Target((model,), "models", lightgbm.read, 0.03),
        Target((sheet.read_bytes(),), "model sheets", read_model, 0.01),
        Target((shares_model(),), "recovery models", Recovery.load, 0.01),
        Target((b"currency,date,rate\nUSD,2026-01-31,92.5\nEUR,2026-01-31,100\n",), "rates.csv", _rates, 0.02),
        *tables(folder),
        Target(tuple(p.read_bytes() for p in sorted((folder / "least").glob("*.*"))), "folders",
               _folder(folder / "least"), 0.003),
    ]  # fmt: skip


def tables(folder: Path) -> Iterator[Target]:
    """The parquet files."""
    test_norms.write(folder, {}, {"level": 3, "hs": "8517"})
    test_participants.write(folder, {}, {"role": "exporter", "code": "\N{SNOWMAN}1"})
    test_shares.write(folder, test_shares.ROWS)
    test_encodings.write(folder, test_encodings.ROWS)
    days = pa.array([20_000, 20_001], pa.date32())
    pq.write_table(
        pa.table({"currency": ["USD", "EUR"], "date": days, "rate": [92.5, 100.0]}), folder / "rates.parquet"
    )
    pq.write_table(picture_table(), folder / "picture.parquet")
    loads: dict[str, Callable[[Path], Any]] = {
        "norms": NormTable.load, "participants": ParticipantTable.load, "shares": ShareTable.load,
        "encodings": Encodings.load, "rates": RateTable.load, "picture": PictureNorms.load,
    }  # fmt: skip
    for name, read in loads.items():
        raw = (folder / f"{name}.parquet").read_bytes()
        yield Target((raw,), f"{name}.parquet", read, 0.007, odd_table(raw))


def odd_table(raw: bytes) -> Callable[[random.Random], bytes]:
    """Whole parquet files with the right columns and odd values, or columns of another type."""
    rows = pq.read_table(io.BytesIO(raw))
    texts = [
        "",
        None,
        "CN",
        "85",
        "8517",
        "0101210000",
        "85A7",
        "\u200b",
        "\N{SNOWMAN}",
        "x" * 300,
        "importer",
        "value_per_kg",
    ]
    reals = [0.0, -0.0, 1.0, -1.0, 0.5, float("nan"), float("inf"), 1e308, 5e-324, None]
    whole = [0, 1, 2, 3, 4, -1, 100, (1 << 62), -(1 << 62), None]
    wrong: list[list[Any]] = [
        [True],
        [[1, 2]],
        [b"\xff"],
        [{"a": 1}],
        [datetime(1, 1, 1)],
        [date(9999, 12, 31)],
        [None],
    ]

    def column(kind: pa.DataType, count: int, pick: random.Random) -> pa.Array:
        if pick.random() < 0.1:
            return pa.array([pick.choice(pick.choice(wrong))] * count)
        pool = reals if pa.types.is_floating(kind) else whole if pa.types.is_integer(kind) else texts
        if not (pool is not texts or pa.types.is_string(kind)):
            moments = [
                None,
                datetime(1970, 1, 1),
                datetime(1, 1, 1),
                datetime(2026, 1, 1),
                datetime(9999, 1, 1),
            ]
            return pa.array([pick.choice(moments) for _ in range(count)], pa.timestamp("us"))
        values = [pick.choice(pool) for _ in range(count)]
        return pa.array(values, pa.int64() if pool is whole else kind)

    def make(pick: random.Random) -> bytes:
        count = pick.randrange(0, 5)
        order = [pick.randrange(rows.num_rows) for _ in range(count)]
        kept = rows.take(pa.array(order, pa.int64()))
        columns = {
            name: column(kept.column(name).type, count, pick) if pick.random() < 0.2 else kept.column(name)
            for name in kept.column_names
            if pick.random() > 0.02
        }
        out = io.BytesIO()
        pq.write_table(pa.table(columns), out)
        return out.getvalue()

    return make


def picture_table() -> pa.Table:
    """A norm of counts and one of a share."""
    texts = {"dimension": ["office", "office"], "value": ["1", "1"], "measure": ["declarations", "red"]}
    numbers = {name: np.array([1.0, 0.5]) for name in ("n", "expected", "dispersion", "low", "high")}
    return pa.table(texts | {"slot": pa.array([0, 0], pa.int16())} | numbers)


def least(folder: Path) -> Path:
    """A least rulebook with a list and snoozes."""
    (folder / "lists").mkdir(parents=True)
    (folder / "rules.yaml").write_text("rules:\n" + material.RULE)
    (folder / "corridors.yaml").write_text(material.CORRIDORS)
    (folder / "sampling.key").write_text("ab" * 32 + "\n")
    (folder / "lists" / "some.csv").write_text("code\nCN\n")
    (folder / "snoozes.csv").write_text(
        "rule,subject,code,valid_from,valid_until,reason,owner\nR1,importer,77,2026-11-01,2026-11-30,known,unit\n"
    )
    return folder


def small_model(folder: Path) -> tuple[bytes, Path]:
    """A model of three stumps with a category, and its sheet."""
    booster = forests.booster("stumps", 3)
    sheet = folder / "model.yaml"
    names = [f"  - {{name: {name}, group: model}}" for name in booster.feature_name()]
    sheet.write_text("\n".join(["features:", *names, "calibration: {a: 1.5, b: -0.25}", ""]))
    (folder / "model.txt").write_text(booster.model_to_string())
    return (folder / "model.txt").read_bytes(), sheet


def shares_model() -> bytes:
    """A model of two trees for what findings bring in."""
    text: str = forests.booster("gamma", 2).model_to_string()
    return text.encode()


def _model_of(folder: Path, sheet: Path) -> Callable[[Path], Any]:
    text = folder / "whole.txt"
    text.write_bytes((folder / "model.txt").read_bytes())
    return lambda path: Model.load(text, path)


def _refusing(read: Callable[[Problems], Any], path: Path) -> None:
    problems = Problems()
    read(problems)
    problems.refuse(path.parent)


def _rates(path: Path) -> None:
    RateTable.load(path)


def _folder(folder: Path) -> Callable[[Path], Any]:
    """A whole folder, of which one file is the input; sealed, so that its content is looked at."""
    names = [path.name for path in sorted(folder.glob("*.*"))]

    def read(path: Path) -> None:
        name = names[zlib.crc32(path.read_bytes()) % len(names)]
        kept = (folder / name).read_bytes()
        try:
            (folder / name).write_bytes(path.read_bytes())
            if name != "manifest.yaml":
                write_manifest(folder, "v1", datetime(2020, 1, 1, tzinfo=UTC))
            if examine(folder)[1]:
                raise CorridorError("problems")
        finally:
            (folder / name).write_bytes(kept)
            material.seal(folder)

    return read


# The run


class TooLongError(Exception):
    """A case took more than LIMIT seconds of the processor."""


def _alarm(number: int, frame: FrameType | None) -> None:
    raise TooLongError


def run(
    count: int, seed: int = 1, only: str = "", first: int = 0, progress: Callable[[str], None] | None = None
) -> Tally:
    """`count` inputs in all, parted by the targets' shares (or all of them for one target)."""
    tally = Tally()
    signal.signal(signal.SIGPROF, _alarm)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        made = [target for target in targets(folder) if only in ("", target.name)]
        if not made:
            raise SystemExit(f"there is no target {only!r}")
        whole = sum(target.share for target in made)
        for target in made:
            cases = max(1, round(count * target.share / whole))
            path = folder / f"input{Path(target.name).suffix}"
            for case in range(first, first + cases):
                pick = random.Random(f"{seed}/{target.name}/{case}")
                made_up = target.make is not None and pick.random() < 0.5
                path.write_bytes(
                    target.make(pick) if made_up else mutated(pick.choice(target.seeds), pick, target.seeds)
                )
                _one(target, path, case, tally)
            if progress is not None:
                progress(line_of(target.name, tally))
    return tally


def _one(target: Target, path: Path, case: int, tally: Tally) -> None:
    start = time.process_time()
    try:
        signal.setitimer(signal.ITIMER_PROF, LIMIT)
        target.read(path)
        tally.accepted[target.name] += 1
    except CorridorError:
        tally.refused[target.name] += 1
    except BaseException as error:
        if isinstance(error, KeyboardInterrupt):
            raise
        where = traceback.format_exc(limit=-3).strip().replace("\n", "\n    ")
        tally.findings.append(f"{target.name} {case}: {type(error).__name__}: {error}\n    {where}"[:2000])
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
    took = time.process_time() - start
    tally.cases[target.name] += 1
    tally.seconds[target.name] += took  # type: ignore[assignment]  # a Counter of seconds
    tally.slowest[target.name] = max(took, tally.slowest.get(target.name, 0.0))
    if took > SLOW:
        tally.findings.append(f"{target.name} {case}: took {took:.1f} s")


def line_of(name: str, tally: Tally) -> str:
    """One line on a target."""
    accepted, refused = tally.accepted[name], tally.refused[name]
    return (
        f"{name:22} {tally.cases[name]:>9,} inputs: {accepted:>9,} accepted, {refused:>9,} refused; "
        f"{tally.seconds[name]:7.1f} s, the slowest {tally.slowest[name]:.3f} s"
    )


def main() -> None:
    """Run and print what came out; ends with 1 if anything did that should not."""
    options = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    options.add_argument("--count", type=int, default=1_000_000)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--first", type=int, default=0, help="number of the first case")
    options.add_argument("--only", default="", help="one target")
    given = options.parse_args()
    faulthandler.enable()
    start = time.perf_counter()
    tally = run(given.count, given.seed, given.only, given.first, lambda line: print(line, flush=True))
    for finding in tally.findings[:50]:
        print(finding)
    print(f"{sum(tally.cases.values()):,} inputs of seed {given.seed} in {time.perf_counter() - start:,.0f} s: "
          f"{sum(tally.accepted.values()):,} accepted, {sum(tally.refused.values()):,} refused by a clear error, "
          f"{len(tally.findings)} findings")  # fmt: skip
    sys.exit(bool(tally.findings))


if __name__ == "__main__":
    main()
