"""`corridor topics`: create them, show them, compare them with what they must be."""

from pathlib import Path

import click

from corridor.commands.kafka import kafka_options, settings_of


@click.group()
def topics() -> None:
    """Create, describe and check the topics."""


@topics.command()
@kafka_options
@click.option(
    "--replication",
    default=-1,
    type=click.IntRange(-1, 9),
    help="Copies of each partition; default: the broker's.",
)
@click.option(
    "--partitions",
    default=0,
    type=click.IntRange(0, 4096),
    help="For every topic; default: each topic's own.",
)
def create(
    bootstrap: str | None, config: Path | None, insecure: bool, replication: int, partitions: int
) -> None:
    """Create the topics that are missing, with partitions, retention and compaction.

    What stands already is left as it is. Retention is unlimited, since it counts from registered_at: set a
    limit that suits the service afterwards, longer than anything that will be replayed.
    """
    from corridor.kafka import admin  # noqa: PLC0415  # keeps `--help` quick
    from corridor.kafka.connect import connect  # noqa: PLC0415
    from corridor.kafka.topics import SPECIFICATIONS  # noqa: PLC0415

    made = admin.create(connect(settings_of(bootstrap, config, insecure)), replication or -1, partitions)
    for topic in SPECIFICATIONS:
        click.echo(f"{topic.name}: {'created' if topic.name in made else 'stands already'}")


@topics.command()
@kafka_options
def describe(bootstrap: str | None, config: Path | None, insecure: bool) -> None:
    """Show each topic: partitions, copies, settings."""
    from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick
    from rich.table import Table  # noqa: PLC0415

    from corridor.kafka import admin  # noqa: PLC0415
    from corridor.kafka.connect import connect  # noqa: PLC0415
    from corridor.kafka.topics import SPECIFICATIONS  # noqa: PLC0415

    found = admin.look(connect(settings_of(bootstrap, config, insecure)))
    table = Table("topic", "partitions", "copies", "cleanup", "retention", box=None, pad_edge=False)
    for topic in SPECIFICATIONS:
        if topic.name not in found:
            table.add_row(topic.name, "missing")
            continue
        there = found[topic.name]
        table.add_row(
            topic.name, str(there.partitions), str(there.replication), there.config.get("cleanup.policy", ""),
            _retention(there.config.get("retention.ms", "")),
        )  # fmt: skip
    Console().print(table)


@topics.command()
@kafka_options
def check(bootstrap: str | None, config: Path | None, insecure: bool) -> None:
    """Compare the topics with what they must be; code 1 and what to do if one differs."""
    from corridor.kafka import admin  # noqa: PLC0415  # keeps `--help` quick
    from corridor.kafka.connect import connect  # noqa: PLC0415

    problems = admin.check(connect(settings_of(bootstrap, config, insecure)))
    for name, told in problems.items():
        click.echo(f"{name}: {'; '.join(told) or 'ok'}")
    if any(problems.values()):
        raise SystemExit(1)


def _retention(milliseconds: str) -> str:
    if milliseconds in {"", "-1"}:
        return "unlimited" if milliseconds else ""
    return f"{int(milliseconds) / 86_400_000:g} days"
