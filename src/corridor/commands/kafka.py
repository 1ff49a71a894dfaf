"""Options that every command on Kafka takes, and the settings that come of them."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from corridor.kafka.client import Settings


def kafka_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --kafka, --config and --insecure to a command."""
    options = (
        click.option("--kafka", "bootstrap", metavar="HOST:PORT", help="A broker, or several with commas."),
        click.option(
            "--config",
            "config",
            type=click.Path(path_type=Path),
            metavar="FILE.toml",
            help="TOML with the tables [kafka] and [stream]; the environment's CORRIDOR_KAFKA_... come before it.",
        ),
        click.option("--insecure", is_flag=True, help="Allow a connection without TLS to another machine."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def settings_of(bootstrap: str | None, config: Path | None, insecure: bool) -> "Settings":
    """The checked settings; InputError says what is wrong."""
    from corridor.kafka.client import load  # noqa: PLC0415  # keeps `--help` quick

    return load(bootstrap, config, insecure)


def printable(text: str) -> str:
    """What came from elsewhere reaches the terminal without control characters."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in text)
