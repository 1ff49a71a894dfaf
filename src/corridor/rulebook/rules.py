"""The rules of a rulebook: read from rules.yaml, held as one program and a few columns."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import ExpressionError
from corridor.kernels.rules import BLOCK
from corridor.messages.columns import CORRIDORS, DIRECTIONS
from corridor.messages.skeleton import skeleton
from corridor.messages.tokens import token
from corridor.rulebook.documents import Entry, Located, Problems, said
from corridor.rulebook.groups import GROUPS, RESPONSES
from corridor.rulebook.language import parse
from corridor.rulebook.lists import FOREVER, CodeList
from corridor.rulebook.program import compile_rules, constant_truth
from corridor.rulebook.registers import Program
from corridor.rulebook.semantics import Checker, Expr

Array = NDArray[Any]
SEVERITIES: Final = ("info", "warning", "critical")
STAGES: Final = ("active", "shadow")
MAX_RULES: Final = 10_000
MAX_WEIGHT: Final = 0.999
"""A weight of 1 would be certainty: use response at_least for what is mandatory."""


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule. Its id is restricted: no open output may hold it.

    condition: `when`, with scope and validity compiled in; times in µs since 1970, until exclusive.
    """

    id: str
    group: str
    when: str
    condition: Expr
    response: str
    weight: float
    corridor: str
    severity: str
    stage: str
    valid_from: int
    valid_until: int
    owner: str
    legal_basis: str
    damage_estimate: float
    title: str
    line: int
    may_be_snoozed: bool = True


@dataclass(frozen=True)
class RuleSet:
    """R active rules as columns for the integrator, and the program that says where they hit.

    weight: float64[R], 0 unless scored; response: int8[R] index into RESPONSES; floor: int8[R] index into
    CORRIDORS for at_least and document, else -1; group: int8[R] index into GROUPS; severity: int8[R]
    index into SEVERITIES for notify, else -1; ids are restricted.
    """

    rules: tuple[Rule, ...]
    program: Program

    @classmethod
    def of(cls, rules: Sequence[Rule], stage: str = "active") -> "RuleSet":
        """The rules of one stage, compiled."""
        kept = tuple(rule for rule in rules if rule.stage == stage)
        return cls(kept, compile_rules([rule.condition for rule in kept]))

    def __len__(self) -> int:
        return len(self.rules)

    @property
    def numbers(self) -> tuple[str, ...]:
        """The number and flag fields that the rules read, in the order that `run` takes."""
        return self.program.numbers

    @property
    def codes(self) -> tuple[str, ...]:
        """The code and HS fields that the rules read, in the order that `run` takes."""
        return self.program.codes

    @cached_property
    def ids(self) -> list[str]:
        """The rules' ids: restricted."""
        return [rule.id for rule in self.rules]

    @cached_property
    def weight(self) -> NDArray[np.float64]:
        """float64[R]: the weight of scored rules, 0 of others."""
        return np.array([rule.weight for rule in self.rules], np.float64)

    @cached_property
    def response(self) -> NDArray[np.int8]:
        """int8[R]: index into groups.RESPONSES."""
        return np.array([RESPONSES.index(rule.response) for rule in self.rules], np.int8)

    @cached_property
    def floor(self) -> NDArray[np.int8]:
        """int8[R]: the corridor that at_least and document rules demand, else -1."""
        return np.array([CORRIDORS.index(r.corridor) if r.corridor else -1 for r in self.rules], np.int8)

    @cached_property
    def group(self) -> NDArray[np.int8]:
        """int8[R]: index into groups.GROUPS."""
        return np.array([GROUPS.index(rule.group) for rule in self.rules], np.int8)

    @cached_property
    def severity(self) -> NDArray[np.int8]:
        """int8[R]: index into SEVERITIES of notify rules, else -1."""
        return np.array([SEVERITIES.index(r.severity) if r.severity else -1 for r in self.rules], np.int8)

    def run(
        self, numbers: Array, codes: Array, block: int = BLOCK, out: Array | None = None
    ) -> NDArray[np.uint8]:
        """Run on m items: uint8[R, m], 1 where a rule hits (written to `out` if given).

        numbers: float64[len(self.numbers), m], NaN = unknown; codes: int64[len(self.codes), m], 0 = unknown.
        """
        return self.program.run(numbers, codes, block, out)


def read_rules(document: Located, lists: Mapping[str, CodeList], file: str, problems: Problems) -> list[Rule]:
    """The rules in a document of the form {rules: [...]}; what is wrong goes to `problems`."""
    top = Entry(document, file, problems, "rules.yaml")
    listed = top.get("rules", required=True)
    top.done()
    if listed is None:
        return []
    if not isinstance(listed.value, list) or len(listed.value) > MAX_RULES:
        top.fail(f"rules must be a list of at most {MAX_RULES} rules", listed)
        return []
    checker, seen, rules = Checker(lists), dict[str, int](), list[Rule]()
    for place in listed.value:
        rule = _rule(place, checker, file, problems)
        if rule.id in seen and rule.id:
            problems.add(
                file, f"rule {rule.id!r} stands in line {seen[rule.id]} already", place.line, place.column
            )
        seen.setdefault(rule.id, place.line)
        rules.append(rule)
    return rules


def _rule(place: Located, checker: Checker, file: str, problems: Problems) -> Rule:
    held = place.value.get("id") if isinstance(place.value, dict) else None
    entry = Entry(
        place, file, problems, f"rule {held.value}" if held and isinstance(held.value, str) else "a rule"
    )
    response = entry.choice("response", RESPONSES, required=True)
    since, until = entry.moment("valid_from", required=True), entry.moment("valid_until", last=True)
    window = since or 0, until if until is not None else FOREVER
    if window[0] >= window[1]:
        entry.fail("valid_until lies before valid_from", entry.values.get("valid_until"))
    when = _when(entry, checker)
    scope = _scope(entry, checker)
    weight = entry.number("weight", 0.0, MAX_WEIGHT, required=response == "score")
    corridor = entry.choice("corridor", CORRIDORS[1:], required=response == "at_least")
    severity = entry.choice("severity", SEVERITIES, required=response == "notify")
    _unfitting(entry, response)
    damage = entry.number("damage_estimate", 0.0, 1e15)
    entry.text("description")
    rule = Rule(
        id=entry.text("id", required=True),
        group=entry.choice("group", GROUPS, default=GROUPS[0], required=True),
        when=str(entry.values["when"].value) if "when" in entry.values else "",
        condition=Expr("and", (*_window(*window), *scope, when)),
        response=response or RESPONSES[0],
        weight=weight or 0.0,
        corridor="yellow" if response == "document" else corridor,
        severity=severity,
        stage=entry.choice("stage", STAGES, default="active"),
        valid_from=window[0],
        valid_until=window[1],
        owner=entry.text("owner", required=True),
        legal_basis=entry.text("legal_basis", required=True),
        damage_estimate=damage or 0.0,
        title=entry.text("title", required=True),
        line=place.line,
        may_be_snoozed=_may_be_snoozed(entry, response),
    )
    entry.done()
    return rule


def _unfitting(entry: Entry, response: str) -> None:
    """Keys that the response gives no effect to, and an exemption without end."""
    for key, of in (("weight", "score"), ("corridor", "at_least"), ("severity", "notify")):
        if key in entry.values and response and response != of:
            entry.fail(f"{key} has no effect with response {response}; it belongs to {of}", entry.values[key])
    if response == "exempt" and "valid_until" not in entry.values:
        entry.fail(f"{entry.name}: an exemption needs valid_until")
    if "group" in entry.values and entry.values["group"].value in ("random", "model"):
        entry.fail("the groups random and model are not for rules", entry.values["group"])


def _may_be_snoozed(entry: Entry, response: str) -> bool:
    """What is mandatory may be snoozed only where its rule says so; an exemption has its own end."""
    allowed = entry.flag("may_be_snoozed", response in ("score", "notify"))
    if response == "exempt" and allowed:
        entry.fail("an exemption is not snoozed: end it by valid_until", entry.values["may_be_snoozed"])
    return allowed


def _when(entry: Entry, checker: Checker) -> Expr:
    found = entry.get("when", required=True)
    if found is None:
        return Expr("truth", value=False)
    if isinstance(found.value, bool):  # YAML's own true
        return Expr("truth", value=found.value)
    if not isinstance(found.value, str):
        entry.fail(f"when must be a condition in text form, not {said(found.value)}", found)
        return Expr("truth", value=False)
    try:
        condition = checker.condition(parse(found.value))
    except ExpressionError as error:
        line, column, note = _place(found, error)
        entry.problems.add(entry.file, f"{entry.name}: {error.problem}{note}", line, column)
        return Expr("truth", value=False)
    if "lists." not in found.value and constant_truth(condition) is False:  # a list may be empty for a time
        entry.fail(f"{entry.name}: this is never true", found)
    return condition


def _place(found: Located, error: ExpressionError) -> tuple[int, int, str]:
    """File line and column of an error in a condition, as far as the YAML style tells."""
    if found.style == "|":
        return found.line + error.line, found.indent + error.column, ""
    if found.lines == 1:
        return found.line, found.column + error.column - (0 if found.style in ("'", '"') else 1), ""
    return found.line, found.column, f" (column {error.column} of the condition in one line)"


def _window(since: int, until: int) -> tuple[Expr, ...]:
    now = Expr("field", value="declaration.registered_at")
    bounds = [Expr("at_most", (Expr("number", value=since / 1e6), now))] if since else []
    if until < FOREVER:
        bounds.append(Expr("less", (now, Expr("number", value=until / 1e6))))
    return tuple(bounds)


def _scope(entry: Entry, checker: Checker) -> tuple[Expr, ...]:
    found = entry.get("scope")
    if found is None:
        return ()
    scope = Entry(found, entry.file, entry.problems, f"scope of {entry.name}")
    parts = []
    for key, name in (("directions", "direction"), ("offices", "office"), ("procedures", "procedure")):
        texts = scope.texts(key)
        for text in texts:
            if key == "directions" and text.value not in DIRECTIONS:
                scope.fail(f"{text.value!r} is no direction; write one of {', '.join(DIRECTIONS)}", text)
        if texts:
            tokens = tuple(sorted({token(skeleton(t.value)) for t in texts}))
            parts.append(Expr("member", (Expr("code", value=f"declaration.{name}"),), tokens))
    scope.done()
    return tuple(parts)
