"""Officers' own cases: declarations with the corridor and the reasons that a rulebook must give them.

They stand in cases.yaml beside the rules:

    base:                       # what every declaration below holds unless it says otherwise
      declaration: {office: "10131010", direction: import, ..., items: [{hs_code: "8471300000", ...}]}
    cases:
      - name: Phones far below their norm are examined
        declaration: {items: [{customs_value: 100}, {hs_code: "8517130000"}]}
        history: {importer_day_count: 12}
        expect: {corridor: [yellow, red], reasons: [valuation], rules: [VAL-01], not_rules: [EXE-01]}

A declaration's members are laid over those of the base, each item over the first of the base; without registered_at it is
registered when the rulebook takes effect. The random control group is left out: chance is not what a case is about.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np

from corridor.errors import InputError
from corridor.explain import Part, explain
from corridor.history import History
from corridor.judge import Judgement, judgement
from corridor.messages.columns import CORRIDORS, Declarations
from corridor.messages.declaration import decode
from corridor.messages.moment_text import rfc3339
from corridor.rulebook.book import Rulebook
from corridor.rulebook.documents import Entry, Located, Problems, read_yaml, said
from corridor.rulebook.fields import HISTORY_FIELDS
from corridor.rulebook.groups import BASES, GROUPS

FILE: Final = "cases.yaml"
_HISTORIES: Final = tuple(name.removeprefix("history.") for name in HISTORY_FIELDS)


@dataclass(frozen=True, slots=True)
class Case:
    """A declaration with what is known beside it, and what must come of it.

    payload: declaration.v1; history: by name as in `fields`, money in whole units; corridors, bases: any of them serves,
    empty: whichever; reasons: groups that must be told; rules, not_rules: ids that must and must not speak.
    """

    name: str
    line: int
    payload: bytes
    history: dict[str, float]
    late: bool
    corridors: tuple[str, ...]
    bases: tuple[str, ...]
    reasons: tuple[str, ...]
    rules: tuple[str, ...]
    not_rules: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a case: its corridor, what is not as expected (nothing: it holds), and why."""

    case: Case
    corridor: str
    failures: tuple[str, ...]
    tree: Part | None


def read_cases(path: Path, rulebook: Rulebook) -> list[Case]:
    """The cases of a file. InputError with the place of the first problem and how many more there are."""
    problems = Problems()
    document = read_yaml(path, path.name, problems) if path.is_file() else None
    if document is None and not problems.found:
        raise InputError(
            f'{path}: there is no such file; write cases there, or give --cases FILE (see docs/rulebook.md, "Cases")'
        )
    cases: list[Case] = []
    if document is not None:
        top = Entry(document, path.name, problems, path.name)
        base = _base(top)
        listed = top.get("cases", required=True)
        top.done()
        if listed is not None and isinstance(listed.value, list):
            cases = [_case(place, base, rulebook, path.name, problems) for place in listed.value]
        if listed is not None and not cases:
            top.fail("cases must be a list of at least one case", listed)
    if problems.found:
        first, more = problems.found[0], len(problems.found) - 1
        raise InputError(f"{path.parent / str(first)}{f' (and {more} more)' if more else ''}")
    return cases


def run_cases(cases: list[Case], rulebook: Rulebook) -> list[Outcome]:
    """Judge each case by the rulebook, without its random control group."""
    certain = replace(rulebook, policy=rulebook.policy.without_random())
    return [_outcome(case, certain) for case in cases]


def _outcome(case: Case, rulebook: Rulebook) -> Outcome:
    decoded = decode([case.payload], rulebook.effective_from)
    if not len(decoded.declarations):
        code, pointer = decoded.rejects.codes[0], decoded.rejects.pointers[0]
        told = f"the declaration would be rejected: {code}{f' at {pointer}' if pointer else ''}"
        return Outcome(case, "rejected", (told,), None)
    batch = decoded.declarations
    found = judgement(batch, _history(case, batch), rulebook)
    verdicts = found.verdicts
    corridor, basis = CORRIDORS[verdicts.corridor[0]], BASES[verdicts.basis[0]]
    reasons = {GROUPS[group] for group in verdicts.reason_group[0].tolist() if group >= 0}
    spoke = _spoke(found, rulebook)
    failures = []
    if case.corridors and corridor not in case.corridors:
        failures.append(f"corridor {corridor}, expected {' or '.join(case.corridors)}")
    if case.bases and basis not in case.bases:
        failures.append(f"basis {basis}, expected {' or '.join(case.bases)}")
    failures += [
        f"no reason {group}; told are {_listed(reasons)}" for group in case.reasons if group not in reasons
    ]
    failures += [
        f"rule {name} did not speak; those that did: {_listed(spoke)}"
        for name in case.rules
        if name not in spoke
    ]
    failures += [f"rule {name} spoke" for name in case.not_rules if name in spoke]
    return Outcome(case, corridor, tuple(failures), explain(batch, found, rulebook))


def _spoke(found: Judgement, rulebook: Rulebook) -> set[str]:
    return {rulebook.rules.ids[r] for r in np.flatnonzero(found.hits.any(axis=1))}


def _listed(names: set[str]) -> str:
    return ", ".join(sorted(names)) or "none"


def _history(case: Case, batch: Declarations) -> History:
    values = [
        round(value * 100) if name.endswith("_value") else round(value)
        for name, value in case.history.items()
    ]
    none = History.none(len(batch))
    return replace(
        none,
        names=tuple(case.history),
        values=np.array(values, np.int64).reshape(-1, 1),
        late=np.array([case.late]),
    )


def _base(top: Entry) -> dict[str, Any]:
    found = top.get("base")
    if found is None:
        return {}
    entry = Entry(found, top.file, top.problems, "base")
    base = _declaration(entry)
    entry.done()
    return base


def _case(place: Located, base: dict[str, Any], rulebook: Rulebook, file: str, problems: Problems) -> Case:
    entry = Entry(place, file, problems, "a case")
    name = entry.text("name", required=True)
    entry.name = f"case {name!r}"
    document = _over(base, _declaration(entry), place.line, rfc3339(rulebook.effective_from))
    history, late = _given(entry, rulebook)
    wanted = entry.get("expect", required=True)
    expect = Entry(wanted or Located({}, place.line, place.column), file, problems, f"expect of {entry.name}")
    case = Case(
        name,
        place.line,
        json.dumps(document, ensure_ascii=False).encode(),
        history,
        late,
        _among(expect, "corridor", CORRIDORS),
        _among(expect, "basis", BASES),
        _among(expect, "reasons", GROUPS),
        _among(expect, "rules", tuple(rulebook.rules.ids)),
        _among(expect, "not_rules", tuple(rulebook.rules.ids)),
    )
    if wanted is not None and not expect.values:
        expect.fail("expect is empty; say corridor, basis, reasons, rules or not_rules")
    expect.done()
    entry.done()
    return case


def _declaration(entry: Entry) -> dict[str, Any]:
    found = entry.get("declaration")
    if found is None:
        return {}
    if not isinstance(found.value, dict):
        entry.fail("declaration must be a mapping of members as in declaration.v1", found)
        return {}
    items = found.value.get("items")
    if items is not None and not (
        isinstance(items.value, list) and all(isinstance(item.value, dict) for item in items.value)
    ):
        entry.fail("items must be a list of mappings", items)
        return {}
    return {key: _plain(value) for key, value in found.value.items()}


def _over(base: dict[str, Any], own: dict[str, Any], line: int, registered_at: str) -> dict[str, Any]:
    """A whole declaration: what every case has, then the base, then the case's own members."""
    pattern = (base.get("items") or [{}])[0]
    items = own.get("items") or base.get("items") or []
    always = {
        "declaration_id": f"case-{line}",
        "version": 1,
        "function": "original",
        "registered_at": registered_at,
    }
    numbered = [pattern | {"item_no": number} | item for number, item in enumerate(items, 1)]
    return always | base | own | {"items": numbered}


def _given(entry: Entry, rulebook: Rulebook) -> tuple[dict[str, float], bool]:
    """What is known beside the declaration; `late: true` for one behind the watermark."""
    found = entry.get("history")
    if found is None:
        return {}, False
    history = Entry(found, entry.file, entry.problems, f"history of {entry.name}")
    late = history.get("late")
    if late is not None and not isinstance(late.value, bool):
        history.fail(f"late is {said(late.value)}; write true or false", late)
    kept = {f"{party}_{bucket}" for party, bucket in rulebook.policy.histories}
    values = {}
    for name in _HISTORIES:
        if name in history.values:
            values[name] = history.number(name, 0.0, 1e15) or 0.0
            if name.rpartition("_")[0] not in kept:
                history.fail(
                    f"{name} is not kept; add it to histories in corridors.yaml", history.values[name]
                )
        else:
            history.get(name)
    history.done()
    return values, late is not None and late.value is True


def _among(entry: Entry, key: str, names: tuple[str, ...]) -> tuple[str, ...]:
    found = entry.texts(key)
    for text in found:
        if text.value not in names:
            entry.fail(f"{key} holds {said(text.value)}; it must be one of {', '.join(names[:20])}", text)
    return tuple(text.value for text in found)


def _plain(found: Located) -> Any:
    if isinstance(found.value, dict):
        return {key: _plain(value) for key, value in found.value.items()}
    if isinstance(found.value, list):
        return [_plain(value) for value in found.value]
    return found.value
