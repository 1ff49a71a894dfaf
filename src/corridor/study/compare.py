"""What changed from one rulebook to another, in words. Restricted, as rulebooks are."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import polars as pl

from corridor.messages.moment_text import rfc3339
from corridor.rulebook.book import Rulebook
from corridor.rulebook.documents import Located, Problems, read_yaml
from corridor.rulebook.lists import FOREVER, read_entries
from corridor.rulebook.load import load
from corridor.rulebook.manifest import NAME, sha256
from corridor.rulebook.recovery import FILE as RECOVERY
from corridor.rulebook.rules import Rule
from corridor.rulebook.snoozes import FILE as SNOOZES

Times = dict[str, tuple[tuple[int, int], ...]]
"""Entries of a list with their bounds in µs."""
_MOST: Final = 5
"""Named of each kind; the rest are counted."""
_MOVED: Final = math.log(1.25)
"""A norm has moved where its median changed by a quarter."""
_SHIFTED: Final = 0.05
"""A participant's coefficient has moved where it changed by so much."""
_TOLD: Final = ("group", "title", "when", "response", "weight", "corridor", "severity", "stage", "valid_from",
                "valid_until", "may_be_snoozed", "owner", "legal_basis", "damage_estimate")  # fmt: skip
_TABLES: Final = {
    "norms.parquet": ("norm cells", ("measure", "level", "hs", "origin", "unit"), "median"),
    "participants.parquet": ("participants", ("role", "code"), "coefficient"),
}
_YAML: Final = ("corridors.yaml", "model.yaml")


@dataclass(frozen=True, slots=True)
class Change:
    """One thing that changed: in which part of the rulebook, and how."""

    part: str
    text: str


def changes(old: Path, new: Path) -> list[Change]:
    """What the rulebook in `new` has otherwise than that in `old`, part by part.

    Raises RulebookError if one of them is not fit to judge by.
    """
    one, other = load(old), load(new)
    return [
        *_heads(one, other),
        *_rules(old, new, one, other),
        *_lists(old, new),
        *_snoozes(one, other),
        *(Change(name, text) for name in _YAML for text in _documents(old / name, new / name)),
        *(change for name in _TABLES for change in _tables(name, old, new)),
        *_recovery(old, new),
        *_files(old, new),
    ]


def _heads(one: Rulebook, other: Rulebook) -> Iterator[Change]:
    if one.version != other.version:
        yield Change("manifest", f"version {one.version} became {other.version}")
    if one.effective_from != other.effective_from:
        yield Change(
            "manifest", f"in force from {rfc3339(other.effective_from)}, was {rfc3339(one.effective_from)}"
        )


def _rules(old: Path, new: Path, one: Rulebook, other: Rulebook) -> Iterator[Change]:
    before, after = _by_id(one), _by_id(other)
    scopes = _scopes(old), _scopes(new)
    for name in sorted(before.keys() - after.keys()):
        yield Change("rules", f"{name} is gone: {before[name].title}")
    for name, rule in after.items():
        if name not in before:
            yield Change("rules", f"{name} is new: {rule.title}; {_does(rule)} when {_line(rule.when)}")
            continue
        told = [text for key in _TOLD if (text := _changed(key, before[name], rule))]
        if scopes[0].get(name) != scopes[1].get(name):
            told.append(
                f"scope {scopes[0].get(name) or 'everything'} became {scopes[1].get(name) or 'everything'}"
            )
        if told:
            yield Change("rules", f"{name}: {'; '.join(told)}")


def _by_id(book: Rulebook) -> dict[str, Rule]:
    return {rule.id: rule for rule in sorted((*book.rules.rules, *book.shadow.rules), key=lambda r: r.line)}


def _scopes(folder: Path) -> dict[str, str]:
    document = read_yaml(folder / "rules.yaml", "rules.yaml", Problems())
    assert document is not None, "it was loaded"
    found = {}
    for rule in document.value["rules"].value:
        scope = rule.value.get("scope")
        leaves = _leaves(scope, "") if scope is not None else {}
        found[str(rule.value["id"].value)] = ", ".join(f"{key} {value}" for key, value in leaves.items())
    return found


def _does(rule: Rule) -> str:
    return " ".join(
        filter(None, [rule.response, f"{rule.weight:g}" if rule.weight else "", rule.corridor, rule.severity])
    )


def _changed(key: str, old: Rule, new: Rule) -> str:
    before, after = _shown(key, getattr(old, key)), _shown(key, getattr(new, key))
    return f"{key} {before} became {after}" if before != after else ""


def _shown(key: str, value: Any) -> str:
    if key in ("valid_from", "valid_until"):
        return "without end" if value >= FOREVER else rfc3339(value)
    if isinstance(value, float):
        return f"{value:g}"
    return _line(str(value)) or "none"


def _line(text: str) -> str:
    return " ".join(text.split())


def _lists(old: Path, new: Path) -> Iterator[Change]:
    before, after = _codes(old), _codes(new)
    for name in sorted(before.keys() - after.keys()):
        yield Change("lists", f"{name} is gone, with {len(before[name]):,} entries")
    for name, codes in after.items():
        was = before.get(name)
        if was is None:
            yield Change("lists", f"{name} is new, with {len(codes):,} entries")
        elif told := _moves(was, codes):
            yield Change("lists", f"{name}: {told}")


def _codes(folder: Path) -> dict[str, Times]:
    found = {}
    for path in sorted((folder / "lists").glob("*.csv")):
        times: Times = {}
        for code, since, until in read_entries(path).rows():
            times[code] = (*times.get(code, ()), (since, until))
        found[path.stem] = times
    return found


def _snoozes(one: Rulebook, other: Rulebook) -> Iterator[Change]:
    before, after = _silences(one), _silences(other)
    times = ({name: tuple(row[:2] for row in rows) for name, rows in of.items()} for of in (before, after))
    papers = ({name: sorted(row[2:] for row in rows) for name, rows in of.items()} for of in (before, after))
    was, now = papers
    others = sorted(name for name in was.keys() & now.keys() if was[name] != now[name])
    if told := "; ".join(filter(None, [_moves(*times), _named("have another reason or owner", others)])):
        yield Change("snoozes", told)


def _silences(book: Rulebook) -> dict[str, list[tuple[int, int, str, str]]]:
    found: dict[str, list[tuple[int, int, str, str]]] = {}
    for one in book.snoozes.entries:
        name = f"{one.rule} for {one.subject} {one.code}"
        found.setdefault(name, []).append((one.since, one.until, one.reason, one.owner))
    return found


def _moves(was: Times, now: Times) -> str:
    """Who entered, who left, and whose times changed; "" if nothing did."""
    both = sorted(was.keys() & now.keys())
    told = [
        _named("entered", sorted(now.keys() - was.keys())),
        _named("left", sorted(was.keys() - now.keys())),
        _named("have another end", [key for key in both if _ends(was[key]) != _ends(now[key])]),
        _named(
            "have another beginning",
            [
                key
                for key in both
                if _ends(was[key]) == _ends(now[key]) and sorted(was[key]) != sorted(now[key])
            ],
        ),
    ]
    return "; ".join(filter(None, told))


def _ends(times: tuple[tuple[int, int], ...]) -> list[int]:
    return sorted(until for _, until in times)


def _named(what: str, names: list[str]) -> str:
    if not names:
        return ""
    rest = f" and {len(names) - _MOST:,} more" if len(names) > _MOST else ""
    return f"{', '.join(names[:_MOST])}{rest} {what}"


def _documents(old: Path, new: Path) -> Iterator[str]:
    """What changed in a YAML file, leaf by leaf."""
    before, after = (
        _leaves(read_yaml(path, path.name, Problems()), "") if path.is_file() else {} for path in (old, new)
    )
    for key in [*before, *(key for key in after if key not in before)]:
        if key not in after:
            yield f"{key} is gone, was {before[key]}"
        elif key not in before:
            yield f"{key} is new: {after[key]}"
        elif before[key] != after[key]:
            yield f"{key} {before[key]} became {after[key]}"


def _leaves(found: Located | None, path: str) -> dict[str, str]:
    if found is None:
        return {}
    inner: Mapping[str, Located] = {}
    if isinstance(found.value, dict):
        inner = {f"{path} {key}".strip(): value for key, value in found.value.items()}
    elif isinstance(found.value, list) and all(isinstance(part.value, dict) for part in found.value):
        inner = {f"{path} {number}".strip(): value for number, value in enumerate(found.value, 1)}
    elif isinstance(found.value, list):
        return {path: ", ".join(str(part.value) for part in found.value)}
    else:
        return {path: str(found.value)}
    return {key: text for name, value in inner.items() for key, text in _leaves(value, name).items()}


def _tables(name: str, old: Path, new: Path) -> Iterator[Change]:
    """How many rows of a fitted table came, went and moved, and those that moved most."""
    what, keys, measure = _TABLES[name]
    before, after = (pl.read_parquet(p / name) if (p / name).is_file() else None for p in (old, new))
    if before is None or after is None:
        if before is not after:
            count = (before if after is None else after).height  # type: ignore[union-attr]  # one of them is there
            yield Change(what, f"{count:,} {'are gone' if after is None else 'are new'}")
        return
    both = before.join(after, on=list(keys), how="full", suffix="_new", nulls_equal=True, coalesce=True)
    was, now = pl.col(measure), pl.col(f"{measure}_new")
    least = _MOVED if measure == "median" else _SHIFTED
    moved = both.with_columns(step=now - was).filter(pl.col("step").abs() >= least)
    counts = both.select(gone=now.is_null().sum(), new=was.is_null().sum()).row(0, named=True)
    told = [f"{count:,} {word}" for word, count in counts.items() if count]
    if moved.height:
        told.append(f"{moved.height:,} moved")
    if told:
        yield Change(what, f"{', '.join(told)}, of {before.height:,}")
    for row in moved.sort(pl.col("step").abs(), descending=True).head(_MOST).iter_rows(named=True):
        place = " ".join(str(row[key]) for key in keys if row[key] not in (None, ""))
        by = (
            f"x {math.exp(row['step']):.2f}"
            if measure == "median"
            else f"{row[measure]:+.2f} to {row[f'{measure}_new']:+.2f}"
        )
        yield Change(what, f"{place}: {by}")


def _recovery(old: Path, new: Path) -> Iterator[Change]:
    before, after = (sha256(p / RECOVERY) if (p / RECOVERY).is_file() else None for p in (old, new))
    if after is None and before is not None:
        yield Change("expected recovery", "is gone: expected loss is probability x payments")
    elif before is None and after is not None:
        text = "is new: expected loss counts the share of payments that a finding brings in"
        yield Change("expected recovery", text)
    elif before != after:
        yield Change("expected recovery", "is foretold by other trees")


def _files(old: Path, new: Path) -> Iterator[Change]:
    """Files that are not compared above and differ."""
    compared = {"rules.yaml", SNOOZES, NAME, RECOVERY, *_YAML, *_TABLES}

    def sums(folder: Path) -> dict[str, str]:
        return {
            path.name: sha256(path) for path in folder.iterdir() if path.is_file() and path.name[0] != "."
        }

    before, after = sums(old), sums(new)
    for name in sorted((before.keys() | after.keys()) - compared):
        if before.get(name) != after.get(name):
            how = "is new" if name not in before else "is gone" if name not in after else "is another"
            yield Change("files", f"{name} {how}")
