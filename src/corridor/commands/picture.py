"""`corridor picture`: the norms of the picture's aggregates."""

from pathlib import Path

import click

FOLDER = click.Path(path_type=Path)


@click.group()
def picture() -> None:
    """Learn what the picture of the day usually looks like."""


@picture.command()
@click.option(
    "--history", type=FOLDER, required=True, help="Folder of declarations, or one with declarations/ in it."
)
@click.option("--output", type=FOLDER, required=True, help="Rulebook folder; its picture.parquet is written.")
@click.option("--country", default="", help="Whose public holidays count: ISO 3166-1 alpha-2. Default: none.")
@click.option(
    "--alarms",
    type=float,
    help="False alarms an office and week that the detector may give in all. Default: 0.5.",
)
def fit(history: Path, output: Path, country: str, alarms: float | None) -> None:
    """Learn the norms of the picture's aggregates from a history, into a rulebook.

    Expectation and band by hour of the week, with level and growth, holidays and ends of months; mixes of origins and
    chapters by working and free days, prices, importers that are never silent. At least a week of whole days, better
    five. A rulebook that was sealed must be sealed anew, under a version of its own (`corridor rulebook seal`).
    """
    from corridor.errors import InputError  # noqa: PLC0415  # keeps `--help` quick
    from corridor.output import reason  # noqa: PLC0415  # keeps `--help` quick
    from corridor.picture import norms  # noqa: PLC0415  # keeps `--help` quick
    from corridor.study.material import read_originals  # noqa: PLC0415  # keeps `--help` quick

    if not (output / "rules.yaml").is_file():
        raise InputError(f"{output}: no rules.yaml in it; give the folder of a rulebook")
    folder = history / "declarations" if (history / "declarations").is_dir() else history
    norms.check_country(country)
    originals = read_originals(folder)
    table = norms.fit(norms.hourly(originals), country, norms.ALARMS if alarms is None else alarms)
    try:
        path = norms.save(table, output)
    except OSError as error:
        raise InputError(f"{output}: {reason(error)}; give a rulebook folder that can be written") from None
    series = len({*zip(table["dimension"].to_pylist(), table["value"].to_pylist(), strict=True)})
    click.echo(f"{path}: norms of {series:,} series from {len(originals):,} declarations")
    if (output / "manifest.yaml").is_file():
        click.echo(
            "its manifest tells of other files now: seal the rulebook anew (corridor rulebook seal)", err=True
        )
