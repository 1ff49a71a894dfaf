"""`corridor rulebook show`: what stands in a rulebook, on one screen or a rule at a time."""

from pathlib import Path
from typing import TYPE_CHECKING, Final

import click

from corridor.commands.kafka import printable
from corridor.errors import InputError

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

    from corridor.rulebook.book import Rulebook
    from corridor.rulebook.policy import Row
    from corridor.rulebook.rules import Rule


_MOST_SNOOZES: Final = 40
"""Shown are those that end first."""


@click.command()
@click.argument("directory", type=click.Path(path_type=Path))
@click.option("--rule", default="", metavar="ID", help="One rule, whole.")
@click.option("--group", default="", metavar="GROUP", help="Rules of one group.")
def show(directory: Path, rule: str, group: str) -> None:
    """Show what a rulebook decides by: its rules, thresholds, lists, histories and what was fitted. Restricted."""
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick

    from corridor.rulebook.groups import GROUPS  # noqa: PLC0415  # keeps `--help` quick
    from corridor.rulebook.load import load  # noqa: PLC0415  # keeps `--help` quick

    if group and group not in GROUPS:
        raise InputError(f"there is no group {group!r}; groups are {', '.join(GROUPS)}")
    book, console = load(directory), Console(highlight=False, markup=False, soft_wrap=True)
    rules = sorted((*book.rules.rules, *book.shadow.rules), key=lambda one: one.line)
    if rule:
        found = next((one for one in rules if one.id == rule), None)
        if found is None:
            from difflib import get_close_matches  # noqa: PLC0415  # for a mistake only

            near = get_close_matches(rule, [one.id for one in rules], 1, 0.4)
            raise InputError(
                f"{directory}: there is no rule {rule!r}{f'; did you mean {near[0]}?' if near else ''}"
            )
        _whole(console, found)
        return
    console.print(_rules([one for one in rules if group in ("", one.group)]))
    if not group:
        console.print(_thresholds(book))
        if len(book.snoozes):
            console.print(_snoozes(book))
        _rest(console, book)


def _whole(console: "Console", rule: "Rule") -> None:
    told = {
        "id": rule.id,
        "title": rule.title,
        "group": rule.group,
        "when": rule.when.rstrip(),
        "response": _does(rule),
        "stage": rule.stage,
        "snoozes": "allowed" if rule.may_be_snoozed else "not allowed",
        "valid": _valid(rule),
        "owner": rule.owner,
        "legal basis": rule.legal_basis,
        "damage estimate": f"{rule.damage_estimate:,.0f}" if rule.damage_estimate else "",
        "place": f"rules.yaml:{rule.line}",
    }
    table = _table("", "")
    table.show_header = False
    for key, value in told.items():
        if value:
            table.add_row(key, printable_lines(value))
    console.print(table)


def _rules(rules: "list[Rule]") -> "Table":
    table = _table("rule", "group", "does", "when", "title")
    for one in rules:
        marks = " (shadow)" if one.stage == "shadow" else ""
        cells = (one.id + marks, one.group, _does(one), " ".join(one.when.split()), one.title)
        table.add_row(*map(printable, cells))
    return table


def _does(rule: "Rule") -> str:
    how = {"score": f" {rule.weight:g}", "at_least": f" {rule.corridor}", "notify": f" {rule.severity}"}
    return rule.response + how.get(rule.response, "")


def _valid(rule: "Rule") -> str:
    from corridor.messages.moment_text import rfc3339  # noqa: PLC0415  # keeps `--help` quick
    from corridor.rulebook.lists import FOREVER  # noqa: PLC0415  # keeps `--help` quick

    end = "" if rule.valid_until >= FOREVER else f" until {rfc3339(rule.valid_until)}"
    return f"from {rfc3339(rule.valid_from)}{end}"


def _thresholds(book: "Rulebook") -> "Table":
    from corridor.messages.columns import CORRIDORS  # noqa: PLC0415  # keeps `--help` quick

    corridor = CORRIDORS[book.policy.random_corridor]
    table = _table("for", *CORRIDORS[1:], f"drawn at random, then {corridor}")
    for row in book.policy.thresholds:
        table.add_row(_conditions(row), *(f"from {value:g}" for value in row.values), "")
    for row in book.policy.strata:
        table.add_row(_conditions(row), "", "", "", f"{row.values[0]:.3%}")
    return table


def _conditions(row: "Row") -> str:
    from corridor.messages.columns import DIRECTIONS  # noqa: PLC0415  # keeps `--help` quick
    from corridor.messages.tokens import untoken  # noqa: PLC0415  # keeps `--help` quick

    parts = [
        "" if row.direction is None else DIRECTIONS[row.direction],
        "" if row.office is None else f"office {untoken(row.office) or 'by its hash'}",
        "" if row.hours is None else f"{row.hours[0]} to {row.hours[1]} h UTC",
    ]
    return ", ".join(filter(None, parts)) or "all others"


def _snoozes(book: "Rulebook") -> "Table":
    from corridor.messages.moment_text import rfc3339  # noqa: PLC0415  # keeps `--help` quick

    table = _table("snoozed", "for", "from", "until", "owner", "reason")
    entries = sorted(book.snoozes.entries, key=lambda one: one.until)
    for one in entries[:_MOST_SNOOZES]:
        times = rfc3339(one.since), rfc3339(one.until)
        cells = (one.rule, f"{one.subject} {one.code}", *times, one.owner, one.reason)
        table.add_row(*map(printable, cells))
    if len(entries) > _MOST_SNOOZES:
        table.add_row(f"and {len(entries) - _MOST_SNOOZES:,} more", *[""] * 5)
    return table


def _rest(console: "Console", book: "Rulebook") -> None:
    from corridor.messages.moment_text import rfc3339  # noqa: PLC0415  # keeps `--help` quick

    lists = ", ".join(f"{name} ({len(found):,})" for name, found in sorted(book.lists.items()))
    histories = ", ".join("/".join(pair) for pair in book.policy.histories)
    cells = {measure: len(cells.levels) for measure, cells in book.norms.cells.items()}
    norms = ", ".join(f"{measure} ({count:,} cells)" for measure, count in cells.items() if count)
    model = book.model
    fitted = f"{len(model.forest.root):,} trees over {len(model.features)} features" if model else ""
    told = {
        "lists": lists,
        "histories": histories,
        "norms": norms,
        "participants": f"{len(book.participants):,}" if len(book.participants) else "",
        "model": fitted,
        "expected recovery": f"{len(book.recovery.ranked.first_leaf):,} trees over the same"
        if book.recovery
        else "",
    }
    for name, text in told.items():
        console.print(f"{name}: {text or 'none'}")
    console.print(f"version {book.version}, in force from {rfc3339(book.effective_from)}")


def printable_lines(text: str) -> str:
    """A text of several lines for the terminal."""
    return "\n".join(printable(line) for line in text.split("\n"))


def _table(*heads: str) -> "Table":
    from rich.table import Table  # noqa: PLC0415  # keeps `--help` quick

    table = Table(box=None, pad_edge=False)
    for head in heads:
        table.add_column(head, overflow="fold")
    return table
