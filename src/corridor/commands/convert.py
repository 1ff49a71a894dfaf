"""`corridor convert`: an administration's own extract to declarations and results."""

from pathlib import Path

import click


@click.command()
@click.option(
    "--mapping", required=True, metavar="FILE-OR-NAME", help="YAML file, or a shipped one, such as korea."
)
@click.option(
    "--input", "source", required=True, type=click.Path(path_type=Path), help="CSV file with a header."
)
@click.option("--output", required=True, type=click.Path(path_type=Path), help="New or empty folder.")
def convert(mapping: str, source: Path, output: Path) -> None:
    """Convert an administration's own CSV extract by a mapping.

    Writes DIR/declarations/YYYY-MM-DD.ndjson and, where the mapping names labels, DIR/results/, each file in
    order of time.
    """
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn  # noqa: PLC0415

    from corridor.study.convert import check, convert  # noqa: PLC0415
    from corridor.study.mapping import load  # noqa: PLC0415

    loaded = load(mapping)
    check(loaded, source, output)
    columns = (TextColumn("convert"), BarColumn(), DownloadColumn(), TextColumn("{task.fields[rows]:,} rows"))
    console = Console(stderr=True)
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("convert", total=source.stat().st_size, rows=0)
        made = convert(loaded, source, output, lambda done, rows: bar.update(task, completed=done, rows=rows))
    click.echo(
        f"{output}: {made.rows:,} rows to {made.declarations:,} declarations and {made.results:,} results "
        f"in {made.files:,} files"
    )
