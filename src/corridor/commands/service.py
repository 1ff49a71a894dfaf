"""Options that `simulate` and `produce --simulate` share: the service and what its days hold."""

from collections.abc import Callable
from typing import Any, Final

import click

_OPTIONS: Final = (
    click.option("--start", default="2026-11-02", show_default=True, type=click.DateTime(["%Y-%m-%d"]),
                 help="First day."),
    click.option("--per-day", default=25_000, show_default=True, type=click.IntRange(min=1),
                 help="Originals on a mean working day."),
    click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0),
                 help="Same seed, same bytes."),
    click.option("--garbage", default=0.0, show_default=True, type=click.FloatRange(0, 0.5),
                 help="Share of records that are garbage, 0 to 0.5."),
    click.option("--planted/--no-planted", default=True, show_default=True,
                 help="Fraud and schemes, with their truth."),
    click.option("--events", default="last", show_default=True, type=click.Choice(["last", "every", "none"]),
                 help="Days on which an office falls silent and a share jumps."),
)  # fmt: skip
SERVICE_OPTIONS: Final = ("start", "per_day", "seed", "garbage", "planted", "events")


def service_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --start, --per-day, --seed, --garbage, --planted and --events to a command."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command
