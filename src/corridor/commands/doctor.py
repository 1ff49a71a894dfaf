"""`corridor doctor`: whether everything is there that the jobs on Kafka need."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from corridor.commands.kafka import kafka_options, printable, settings_of

if TYPE_CHECKING:
    from corridor.kafka.client import Settings


@click.command()
@kafka_options
def doctor(bootstrap: str | None, config: Path | None, insecure: bool) -> None:
    """Examine Python, Java, jars, the broker, its limits, topics and permissions.

    Every line that fails says what to do; code 1 if any does.
    """
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.text import Text  # noqa: PLC0415

    from corridor.kafka.doctor import examine  # noqa: PLC0415

    console, failed = Console(highlight=False, soft_wrap=True), 0
    for line in examine(lambda: _settings(bootstrap, config, insecure)):
        mark, style = {True: ("ok    ", "green"), False: ("FAILED", "bold red"), None: ("-     ", "dim")}[
            line.ok
        ]
        console.print(
            Text(mark, style=style).append(f"  {line.name}: {printable(line.told)}", style="default")
        )
        if line.ok is False:
            failed += 1
            console.print(Text(f"        {printable(line.advice)}", style="yellow"))
    if failed:
        console.print(Text(f"{failed} failed", style="bold red"))
        raise SystemExit(1)
    console.print(Text("all is well", style="green"))


def _settings(bootstrap: str | None, config: Path | None, insecure: bool) -> "Settings":
    """How Kafka is reached; the run's settings are checked too, but for its state, which need not be given here."""
    from corridor.flink.topics import load  # noqa: PLC0415  # keeps `--help` quick

    settings = settings_of(bootstrap, config, insecure)
    load(settings, config, {"state": "anywhere"})
    return settings
