"""`corridor rulebook shadow-report`: what a candidate on trial would have changed."""

import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corridor.commands.kafka import kafka_options, printable, settings_of

if TYPE_CHECKING:
    from rich.console import Console

    from corridor.study.shadow import Pair, Told

_OFFICES = 8


@click.command("shadow-report")
@click.option(
    "--run", type=click.Path(path_type=Path), help="Output folder of `corridor run decide --shadow`."
)
@kafka_options
@click.option(
    "--results", type=click.Path(path_type=Path), help="Results of checks: a file or folder of result.v1."
)
@click.option("--json", "as_json", is_flag=True, help="All of it as JSON.")
def shadow_report(run: Path | None, results: Path | None, as_json: bool, **kafka: Any) -> None:
    """Say what a rulebook on trial (`run decide --shadow`) would have decided otherwise.

    Corridors as given and as the candidate's, who moves where, at which offices, with examples; with --results what
    checks found among them. Decisions come from the folder of a run or from the topic (--kafka).
    """
    if (run is None) == (kafka["bootstrap"] is None and kafka["config"] is None):
        raise click.UsageError("give --run, the output folder of a run, or --kafka")
    from corridor.study.shadow import document, findings, lines_of, told  # noqa: PLC0415  # keeps `--help` quick

    known = {} if results is None else findings(results)
    found = told(lines_of(run) if run is not None else _topic(kafka), known)
    if as_json:
        sys.stdout.write(json.dumps(document(found), ensure_ascii=False, indent=2) + "\n")
    else:
        _show(found)


def _topic(kafka: dict[str, Any]) -> Iterator[bytes]:
    from corridor.kafka.follow import read  # noqa: PLC0415  # keeps `--help` quick
    from corridor.kafka.topics import TOPICS  # noqa: PLC0415  # keeps `--help` quick

    for message in read(settings_of(**kafka), TOPICS["decisions"]):
        if message.value is not None:
            yield message.value


def _show(found: "Told") -> None:
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick

    console = Console(highlight=False, soft_wrap=True)
    if not found.pairs:
        console.print(
            f"no candidate was asked about any of {found.decisions:,} decisions; run `corridor run decide --shadow DIR`"
        )
    for (rulebook, candidate), pair in found.pairs.items():
        asked = int(pair.moves.sum())
        console.print(
            f"[bold]{_told(candidate)}[/] on trial beside {_told(rulebook)}: asked about {asked:,} of {found.decisions:,} "
            f"decisions, {pair.moved:,} otherwise ({_percent(pair.moved / asked)})"
        )
        _corridors(console, pair)
        _moves(console, pair)
        _offices(console, pair)


def _corridors(console: "Console", pair: "Pair") -> None:
    from rich.table import Table  # noqa: PLC0415  # keeps `--help` quick

    from corridor.messages.columns import CORRIDORS  # noqa: PLC0415

    table = Table("corridor", box=None, title="corridors", title_justify="left")
    for name in ("given", "", "on trial", "", "change"):
        table.add_column(name, justify="right")
    now, then = pair.corridors()
    whole = int(now.sum())
    for name, one, other in zip(CORRIDORS, now.tolist(), then.tolist(), strict=True):
        table.add_row(
            name,
            f"{one:,}",
            _percent(one / whole),
            f"{other:,}",
            _percent(other / whole),
            f"{other - one:+,}",
        )
    console.print(table)
    for what, part in (
        ("checked among all but green as given", (slice(1, None), slice(None))),
        ("... that the candidate controls too", (slice(1, None), slice(1, None))),
        ("... that the candidate would release", (slice(1, None), slice(0, 1))),
    ):
        of = pair.precision(*part)
        if of.n:
            console.print(
                f"{what}: {of.n:,}, with a finding {_percent(of.value)} ({_percent(of.low)} to {_percent(of.high)})"
            )


def _moves(console: "Console", pair: "Pair") -> None:
    from rich.table import Table  # noqa: PLC0415  # keeps `--help` quick

    from corridor.messages.columns import CORRIDORS  # noqa: PLC0415

    if not pair.moved:
        return
    table = Table(box=None, title="who moves where", title_justify="left")
    for name in ("from", "to", "decisions", "checked", "found"):
        table.add_column(
            name, justify="left" if name in ("from", "to") else "right", no_wrap=True, min_width=len(name)
        )
    table.add_column("such as", overflow="fold")
    cells = sorted(pair.examples, key=lambda cell: -pair.moves[cell])
    for one, other in cells:
        examples = sorted(pair.examples[one, other], reverse=True)
        table.add_row(
            *(CORRIDORS[one], CORRIDORS[other], f"{pair.moves[one, other]:,}"),
            *(f"{pair.checked[one, other]:,}", f"{pair.found[one, other]:,}"),
            "\n".join(_told(name) for _, name, _ in examples),
        )
    console.print(table)


def _offices(console: "Console", pair: "Pair") -> None:
    from rich.table import Table  # noqa: PLC0415  # keeps `--help` quick

    rows = [row for row in pair.offices() if row[1] != row[2]]
    if not rows:
        return
    table = Table("office", box=None, title="controls by office, the largest changes", title_justify="left")
    for name in ("given", "on trial", "change"):
        table.add_column(name, justify="right")
    for name, one, other in rows[:_OFFICES]:
        table.add_row(_told(name), f"{one:,}", f"{other:,}", f"{other - one:+,}")
    console.print(table)


def _told(text: str) -> str:
    """What came from elsewhere, as text without control characters and without rich's markup."""
    from rich.markup import escape  # noqa: PLC0415  # keeps `--help` quick

    return escape(printable(text))


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"
