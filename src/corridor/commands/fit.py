"""`corridor rulebook fit`: a rulebook from a history of declarations and results."""

import math
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import click

from corridor.errors import InputError

if TYPE_CHECKING:
    from corridor.study.fit import FitReport  # keeps `--help` quick
    from corridor.study.thresholds import CorridorShares  # keeps `--help` quick

FOLDER = click.Path(path_type=Path)


@click.command()
@click.option("--history", type=FOLDER, help="Folder with declarations/ and results/ in it, and rates.csv.")
@click.option("--declarations", type=FOLDER, help="Folder of declarations, in place of HISTORY/declarations.")
@click.option("--results", type=FOLDER, help="Folder of results, in place of HISTORY/results.")
@click.option("--output", type=FOLDER, required=True, help="New or empty folder for the rulebook.")
@click.option("--from", "source", type=FOLDER, help="Rulebook whose rules, lists and policy are taken over.")
@click.option("--version", help="Default: the day on which it takes effect.")
@click.option("--effective-from", metavar="TIME", help="RFC 3339. Default: midnight (UTC) after the history.")
@click.option("--blue-share", default=0.03, show_default=True, help="Declarations checked after release.")
@click.option(
    "--yellow-share", default=0.16, show_default=True, help="Declarations whose documents are checked."
)
@click.option("--red-share", default=0.04, show_default=True, help="Declarations whose goods are inspected.")
@click.option("--offices", type=FOLDER, help="CSV list of offices, in place of those of the history.")
@click.option("--hs-nomenclature", type=FOLDER, help="CSV list of HS6 codes, in place of the source's.")
@click.option(
    "--sampling-key", type=FOLDER, help="File with 64 hex digits. Default: the source's, or a new one."
)
@click.option(
    "--rates", type=FOLDER, help="CSV of exchange rates for the days to come: currency, date, rate."
)
@click.option(
    "--country", default="", help="Whose public holidays count in the picture's norms: ISO 3166-1 alpha-2."
)
@click.option("--keep-weights", is_flag=True, help="Leave the rules' weights as their authors set them.")
@click.option(
    "--report",
    type=FOLDER,
    help="HTML page of the fit, figures as .json beside it. Default: OUTPUT.report.html.",
)
def fit(**given: object) -> None:
    """Fit a rulebook to a history of declarations and results.

    Norms of prices and weights, shares, participants' coefficients, the model and the thresholds are
    learnt; rules, lists and the random control group are copied from another rulebook (the shipped
    sample, unless --from is given). The weight of a scored rule is lowered to what results bear out,
    never raised. The thresholds bring the corridors' shares near those asked for. A report, restricted like the
    rulebook, shows what the last part of the time says of it and how far things moved.
    """
    _fit(given)


def _fit(given: dict[str, object]) -> None:
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick

    from corridor.picture.calendar import check_country  # noqa: PLC0415  # keeps `--help` quick
    from corridor.rulebook.sample import sample_path  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.fit import FitOptions  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.fit import fit as fit_rulebook  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.folder import Lists, check_output  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.report import fit_page  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.thresholds import CorridorShares  # noqa: PLC0415  # keeps `--help` quick

    def path(name: str) -> Path | None:
        value = given[name]
        return value if isinstance(value, Path) else None

    def number(name: str) -> float:
        return float(str(given[f"{name}_share"]))

    declarations, results = _folders(path("history"), path("declarations"), path("results"))
    output = path("output")
    assert output is not None  # click requires it
    options = FitOptions(
        version=str(given["version"]) if given["version"] else None,
        effective_from=_moment(given["effective_from"]),
        shares=_shares(CorridorShares(number("blue"), number("yellow"), number("red"))),
        lists=Lists(path("offices"), path("hs_nomenclature")),
        sampling_key=path("sampling_key"),
        keep_weights=bool(given["keep_weights"]),
        rates=path("rates"),
        country=check_country(str(given["country"])),
    )
    place = path("report") or fit_page.default_place(output)
    check_output(output)
    unfit = ""
    try:
        fit_page.check_place(place, output)
    except InputError as error:
        if path("report") is not None:
            raise
        unfit = str(error)  # the rulebook is what was asked for
    console = Console(stderr=True)
    with console.status("fit") as status:
        report = fit_rulebook(
            declarations,
            results,
            output,
            path("source") or sample_path(),
            options,
            tell=lambda step: status.update(f"fit: {step}"),
        )
    if not unfit:
        fit_page.write(report, place)
    _show(report, output)
    if unfit:
        click.echo(f"no report was written: {unfit}", err=True)
    else:
        click.echo(f"{place}: the report, restricted; its figures in {place.with_suffix('.json').name}")


def _folders(history: Path | None, declarations: Path | None, results: Path | None) -> tuple[Path, Path]:
    if history is None and (declarations is None or results is None):
        raise click.UsageError("give --history DIR, or both --declarations DIR and --results DIR")
    base = history or Path()
    return declarations or base / "declarations", results or base / "results"


def _moment(text: object) -> datetime | None:
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        raise click.UsageError(f"--effective-from {text!r}: write it like 2026-12-01T00:00:00Z") from None
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)


def _shares(shares: "CorridorShares") -> "CorridorShares":
    values = list(vars(shares).values())
    if any(not 0 <= value <= 1 for value in values) or sum(values) > 1:
        raise click.UsageError(
            "the shares of blue, yellow and red must be from 0 to 1 and not over 1 together"
        )
    return shares


def _three(*values: float) -> str:
    return " / ".join(f"{100 * value:.0f}" if math.isfinite(value) else "-" for value in values)


def _show(report: "FitReport", output: Path) -> None:
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.table import Table  # noqa: PLC0415  # keeps `--help` quick

    console = Console(soft_wrap=True, highlight=False)
    counts = ", ".join(
        f"{value:,} {name.replace('_', ' ')}" for name, value in report.counts.items() if value
    )
    console.print(f"history: {counts}")
    told = report.validation
    if report.model:
        console.print("model: {features} features ({chosen})".format(**report.model))
        if report.model["recovery"]:
            console.print(
                "expected loss counts what a finding brings in: the last part of the time bears it out"
            )
    else:
        console.print("no model: too few results (500 items, 30 with and 30 without a finding at least)")
    if told and told.findings:
        table = Table(
            title=f"last part of the time, {told.items:,} items with {told.findings:,} findings: "
            "precision / recall / revenue in %",
            box=None,
            title_justify="left",
        )
        table.add_column("inspected", no_wrap=True)
        first = next(iter(told.rankings.values()))
        for one in first:
            table.add_column(f"{one.share:.0%}", justify="right", no_wrap=True)
        for name, found in told.rankings.items():
            table.add_row(name, *(_three(one.precision, one.recall, one.revenue) for one in found))
        best = (_three(one.oracle_precision, one.oracle_recall, one.oracle_revenue) for one in first)
        table.add_row("oracle", *best, style="dim")
        console.print(table)
    shares = ", ".join(f"{name} {100 * share:.1f} %" for name, share in report.corridors.items())
    console.print(f"corridors on the last part of the time: {shares}")
    took = sum(report.seconds.values())
    console.print(f"{output}: rulebook {report.version}, fitted in {took:.1f} s", style="green")
