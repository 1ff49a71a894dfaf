"""A rulebook folder checked whole: every problem is found, not only the first."""

import csv
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Final, TypeVar, cast

from corridor.errors import RulebookError
from corridor.rulebook.book import Rulebook
from corridor.rulebook.documents import Located, Problem, Problems, read_yaml
from corridor.rulebook.encodings import Encodings
from corridor.rulebook.fields import HISTORY_FIELDS
from corridor.rulebook.lists import CodeList, read_list
from corridor.rulebook.manifest import NAME as MANIFEST
from corridor.rulebook.manifest import PICTURE, Manifest, read_manifest
from corridor.rulebook.model import Model
from corridor.rulebook.norms import NormTable
from corridor.rulebook.participants import ParticipantTable
from corridor.rulebook.policy import CorridorPolicy, read_policy
from corridor.rulebook.rates import RateTable
from corridor.rulebook.recovery import FILE as RECOVERY
from corridor.rulebook.recovery import Recovery
from corridor.rulebook.rules import Rule, RuleSet, read_rules
from corridor.rulebook.shares import ShareTable
from corridor.rulebook.sharing import known_list, known_parts
from corridor.rulebook.snoozes import FILE as SNOOZES
from corridor.rulebook.snoozes import Snoozes, read_snoozes

KEY_FILE: Final = "sampling.key"
_KEY: Final = re.compile(rb"[0-9a-fA-F]{64}\s*")
_FILES: Final = {
    *(
        "rules.yaml",
        "corridors.yaml",
        "cases.yaml",
        SNOOZES,
        KEY_FILE,
        "norms.parquet",
        "shares.parquet",
        "participants.parquet",
    ),
    *(
        "model.txt",
        "model.yaml",
        RECOVERY,
        "encodings.parquet",
        "rates.parquet",
        "rates.csv",
        PICTURE,
    ),
    "features.parquet",
}
T = TypeVar("T")


def examine(folder: Path, like: Sequence[Rulebook] = ()) -> tuple[Rulebook | None, list[Problem]]:
    """The rulebook in `folder` and everything wrong with it; no rulebook if anything is.

    like: loaded rulebooks; a part that one of them has of the same bytes is taken from it instead of read again.
    Raises RulebookError only if `folder` is no rulebook folder at all.
    """
    _must_be_rulebook(folder)
    problems = Problems()
    manifest = _read(folder, MANIFEST, problems, lambda d: read_manifest(d, folder, problems))
    _check_names(folder, problems)
    files = manifest.files if manifest is not None and not problems.found else {}
    lists = _lists(folder, problems, lambda name: known_list(files, name, like))
    rules = (
        _read(folder, "rules.yaml", problems, lambda d: read_rules(d, lists, "rules.yaml", problems)) or []
    )
    snoozed = (folder / SNOOZES).is_file()
    snoozes = read_snoozes(folder / SNOOZES, rules, problems) if snoozed else ()
    policy = _read(folder, "corridors.yaml", problems, lambda d: read_policy(d, "corridors.yaml", problems))
    key = _sampling_key(folder, problems)
    if policy is not None:
        _check_histories(rules, policy, problems)
    known = known_parts(files, policy.n_min, like) if files and policy is not None else {}
    book = _book(folder, manifest, rules, policy, lists, key, known, problems)
    if book is not None:
        book = replace(book, snoozes=Snoozes(snoozes, tuple(book.rules.ids)))
    return (None if problems.found else book), sorted(
        problems.found, key=lambda p: (p.file, p.line, p.column)
    )


def _must_be_rulebook(folder: Path) -> None:
    if not folder.is_dir():
        raise RulebookError(f"{folder}: there is no such folder; give a rulebook folder")
    if not (folder / MANIFEST).is_file():
        raise RulebookError(
            f"{folder}: no {MANIFEST} in it, so it is no rulebook; give the folder that holds one"
        )


def _read(folder: Path, name: str, problems: Problems, take: Callable[[Located], T]) -> T | None:
    if not (folder / name).is_file():
        problems.add(name, "the file is missing")
        return None
    document = read_yaml(folder / name, name, problems)
    return take(document) if document is not None else None


def _check_names(folder: Path, problems: Problems) -> None:
    for path in sorted(folder.iterdir()):
        known = path.name in _FILES or path.name in (MANIFEST, "lists") or path.name.startswith(".")
        if not known:
            problems.add(
                path.name, f"not a part of a rulebook; parts are {', '.join(sorted(_FILES))} and lists/"
            )
    if (folder / "rates.parquet").is_file() and (folder / "rates.csv").is_file():
        problems.add("rates.csv", "rates.parquet is there too; keep one of them")
    if (folder / "model.txt").is_file() != (folder / "model.yaml").is_file():
        problems.add("model.yaml", "model.txt and model.yaml belong together; one is missing")


def _lists(folder: Path, problems: Problems, known: Callable[[str], CodeList | None]) -> dict[str, CodeList]:
    lists: dict[str, CodeList] = {}
    for path in sorted((folder / "lists").glob("*.csv")):
        file = f"lists/{path.name}"
        if not re.fullmatch(r"[a-z][a-z0-9_]{0,63}", path.stem):
            problems.add(
                file, "name a list with small letters, digits and _, so that rules can write lists.name"
            )
        shared = known(path.stem)
        if shared is not None:
            lists[path.stem] = shared
            continue
        try:
            lists[path.stem], found = read_list(path)
            for line, text in found:
                problems.add(file, text, line, 1)
        except UnicodeDecodeError as error:
            problems.add(file, f"not UTF-8 at byte {error.start}; save it as UTF-8")
        except (OSError, csv.Error) as error:
            problems.add(file, f"cannot be read: {error}")
    return lists


def _sampling_key(folder: Path, problems: Problems) -> bytes:
    path = folder / KEY_FILE
    if not path.is_file():
        problems.add(KEY_FILE, "the file is missing; write 64 random hex signs into it")
        return b""
    with path.open("rb") as file:
        raw = file.read(200)
    if not _KEY.fullmatch(raw):
        problems.add(KEY_FILE, "must hold 64 hex signs and nothing else", 1, 1)
        return b""
    return bytes.fromhex(raw.decode().strip())


def _check_model(model: Model, policy: CorridorPolicy, problems: Problems) -> None:
    """A model that reads a history nobody keeps would judge otherwise where another rulebook has it kept."""
    kept = {f"history.{party}_{bucket}_" for party, bucket in policy.histories}
    for name in model.features:
        if name in HISTORY_FIELDS and name.rpartition("_")[0] + "_" not in kept:
            party, bucket = name.removeprefix("history.").split("_")[:2]
            problems.add(
                "model.yaml", f"the model reads {name}; add {party}/{bucket} to histories in corridors.yaml"
            )


def _check_histories(rules: list[Rule], policy: CorridorPolicy, problems: Problems) -> None:
    """A rule that reads a history nobody keeps would never hit."""
    kept = {f"history.{party}_{bucket}_" for party, bucket in policy.histories}
    for rule in rules:
        for name in HISTORY_FIELDS:
            if name in rule.when and name.rpartition("_")[0] + "_" not in kept:
                party, bucket = name.removeprefix("history.").split("_")[:2]
                text = f"rule {rule.id} reads {name}; add {party}/{bucket} to histories in corridors.yaml"
                problems.add("rules.yaml", text, rule.line, 1)


def _book(
    folder: Path,
    manifest: Manifest | None,
    rules: list[Rule],
    policy: CorridorPolicy | None,
    lists: Mapping[str, CodeList],
    key: bytes,
    known: Mapping[str, Any],
    problems: Problems,
) -> Rulebook | None:
    def part(load: Callable[[Path], T], default: T, *names: str) -> T:
        of = names[0].partition(".")[0]
        if of in known:
            return cast("T", known[of])
        for name in names:
            try:
                if (folder / name).is_file():
                    return load(folder / name)
            except RulebookError as error:
                problems.add(name, str(error).removeprefix(f"{folder / name}: "))
        return default

    n_min = policy.n_min if policy else 30
    norms = part(lambda p: NormTable.load(p, n_min), NormTable.empty(), "norms.parquet")
    shares = part(ShareTable.load, ShareTable.empty(), "shares.parquet")
    participants = part(ParticipantTable.load, ParticipantTable.empty(), "participants.parquet")
    encodings = part(Encodings.load, Encodings.empty(), "encodings.parquet")
    rates = part(RateTable.load, RateTable.empty(), "rates.parquet", "rates.csv")
    model: Model | None = None
    if (folder / "model.yaml").is_file():
        model = part(lambda p: Model.load(p, folder / "model.yaml"), None, "model.txt")
    if model is not None and policy is not None:
        _check_model(model, policy, problems)
    recovery = part(Recovery.load, None, RECOVERY)
    if recovery is not None and not problems.found and (unfit := recovery.fits(model)):
        problems.add(RECOVERY, unfit)
    if problems.found or manifest is None or policy is None:
        return None
    since = manifest.effective_from
    return Rulebook(
        version=manifest.version,
        effective_from=since,
        rules=RuleSet.of(rules),
        shadow=RuleSet.of(rules, "shadow"),
        norms=norms,
        shares=shares,
        participants=participants,
        model=model,
        encodings=encodings,
        lists=dict(lists),
        rates=rates,
        policy=policy,
        sampling_key=key,
        recovery=recovery,
        files=manifest.files,
    )
