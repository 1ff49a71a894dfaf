"""`corridor rulebook mine`: rules proposed from results, for officers to accept."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corridor.commands.kafka import printable

if TYPE_CHECKING:
    from corridor.study.mine import Mining  # keeps `--help` quick

FOLDER = click.Path(path_type=Path)


@click.command()
@click.option("--history", type=FOLDER, required=True, help="Folder with declarations/ and results/ in it.")
@click.option(
    "--rulebook", type=FOLDER, required=True, help="Rulebook beside whose rules to look; it stays as it is."
)
@click.option("--output", type=FOLDER, help="New file for the proposals, as text for rules.yaml.")
def mine(history: Path, rulebook: Path, output: Path | None) -> None:
    """Mine the results of inspections for patterns that no rule holds yet, and propose them as rules. Restricted.

    Patterns are found on the earlier part of the time and tested once on the later part. A proposal is never
    active: it has no owner and no legal basis, which an officer must give, and stands in shadow.
    """
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick

    from corridor.errors import InputError  # noqa: PLC0415  # keeps `--help` quick
    from corridor.output import reason  # noqa: PLC0415  # keeps `--help` quick
    from corridor.rulebook.load import load  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.material import gather  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.mine import mine as mined  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.proposal import proposal  # noqa: PLC0415  # keeps `--help` quick

    _check(output, rulebook)
    version = load(rulebook).version
    with Console(stderr=True).status("read the history") as status:
        material = gather(history / "declarations", history / "results")
        status.update("mine")
        found = mined(material, rulebook)
    _show(found)
    if output is not None and found.mined:
        try:
            with output.open("x", encoding="utf-8") as file:
                file.write(proposal(found, version))
        except OSError as error:
            raise InputError(f"{output}: {reason(error)}; give another --output") from error
        click.echo(
            f"{output}: {len(found.mined)} proposals, none of them active; name their owners and legal bases"
        )


def _check(output: Path | None, rulebook: Path) -> None:
    """Refuse an output that is there already, or that would break the rulebook's seal."""
    from corridor.errors import InputError  # noqa: PLC0415  # keeps `--help` quick

    if output is None:
        return
    if output.exists():
        raise InputError(f"{output} is there already: give a new file for --output")
    folder = output.resolve().parent
    if not folder.is_dir():
        raise InputError(f"{folder} does not exist: make it, or give another --output")
    if rulebook.resolve() in (folder, *folder.parents):
        raise InputError(
            f"{output} lies in the rulebook's folder, which its manifest seals: give another --output"
        )


def _show(found: "Mining") -> None:
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.table import Table  # noqa: PLC0415  # keeps `--help` quick
    from rich.text import Text  # noqa: PLC0415  # keeps `--help` quick

    from corridor.study.proposal import identity, weight  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.report.charts import short  # noqa: PLC0415  # keeps `--help` quick

    console = Console(highlight=False, markup=False, soft_wrap=True)
    console.print(
        f"{found.inspected[0]:,} inspected declarations before the cut ({100 * found.base[0]:.1f} % with a finding), "
        f"{found.inspected[1]:,} after it ({100 * found.base[1]:.1f} %)"
    )
    console.print(
        f"{found.candidates:,} candidates, {found.known:,} known as rules already, {found.tested:,} tested, "
        f"{len(found.mined):,} confirmed"
    )
    if found.undated:
        lists, count = ", ".join(found.undated), sum(found.undated.values())
        console.print(
            f"lists {lists}: {count:,} entries have no valid_from, so they count from the day on which the rulebook took "
            "effect, after the cut: nobody can say that they were not drawn up from the results that should test them. Give "
            "their first days, or mine beside a rulebook that was in force before the cut"
        )
    if not found.mined:
        console.print("nothing was confirmed: no pattern beside the rules that holds on the later part too")
        return
    table = Table(box=None, pad_edge=False, padding=(0, 1, 0, 0))
    names = (
        "",
        "hits",
        "found",
        "% (95 %)",
        "lift",
        "recovered",
        "adds",
        "nearest rule",
        "shared",
        "weight",
    )
    for name in names:
        table.add_column(name, justify="left" if name in ("", "nearest rule") else "right", no_wrap=True)
    for n, one in enumerate(found.mined, 1):
        near = f"{one.overlaps[0].rule} {one.overlaps[0].jaccard:.2f}" if one.overlaps else "-"
        table.add_row(
            str(n), f"{one.later.hit:,}", f"{one.later.found:,}",
            f"{100 * one.later.precision:.1f} ({100 * one.low:.0f}-{100 * one.high:.0f})", f"{one.lift:.1f}",
            short(one.later.recovered), f"{one.adds:,}", Text(printable(near)),
            f"{100 * one.already:.0f} %", f"{weight(one):.2f}",
        )  # fmt: skip
    console.print(table)
    for n, one in enumerate(found.mined, 1):
        console.print(Text(f"{n:>2}  {identity(one.when)}  ").append(printable(one.when), style="bold"))
