"""`corridor tail`: what stands in a topic, as a downstream service sees it."""

import sys
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import click

from corridor.commands.kafka import kafka_options, printable, settings_of
from corridor.commands.signing import log_asked, logged_options, split_logged

if TYPE_CHECKING:
    from corridor.kafka.follow import Message

_COLOURS = {"green": "green", "blue": "blue", "yellow": "yellow", "red": "red"}


@click.command()
@click.argument("topic")
@kafka_options
@click.option(
    "--from",
    "start",
    default="",
    metavar="PLACE",
    help="beginning (default), end (with --follow), or a time.",
)
@click.option(
    "--max", "limit", default=0, type=click.IntRange(min=0), help="Stop after so many; 0: no limit."
)
@click.option("--follow", is_flag=True, help="Go on as messages come; by default from the end on.")
@click.option("--restricted", is_flag=True, help="Show a restricted topic.")
@logged_options
@click.option(
    "--format",
    "shape",
    type=click.Choice(["pretty", "ndjson", "records"]),
    help="ndjson: values; records: with key, place and headers. Default: pretty on a terminal, else ndjson.",
)
def tail(  # options of a command
    topic: str,
    start: str,
    limit: int,
    follow: bool,
    restricted: bool,
    shape: str | None,
    **options: Any,
) -> None:
    """Show the messages of a topic, committed ones only.

    Reads all partitions and commits nothing. Ends at the topic's end unless --follow is given.
    """
    from corridor.kafka.follow import read  # noqa: PLC0415  # keeps `--help` quick

    if start == "end" and not follow:
        raise click.UsageError("--from end shows what comes from now on: add --follow")
    kafka, logged = split_logged(options)
    start = start or ("end" if follow else "beginning")
    if ".restricted." in topic:
        if not restricted:
            raise click.UsageError(
                f"{topic} is restricted (docs/security.md): say --restricted if you may see it"
            )
        log_asked("reading", topic, {"from": start}, kafka["config"], logged)
    write = {"pretty": _pretty(), "ndjson": _value, "records": _record}[
        shape or ("pretty" if sys.stdout.isatty() else "ndjson")
    ]
    try:
        for message in read(settings_of(**kafka), topic, start, limit, follow):
            write(message)
            if follow:
                sys.stdout.flush()
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stderr.close()  # the reader of the pipe has seen enough


def _value(message: "Message") -> None:
    """The value as a line; a line end inside (JSON knows none in a text) becomes a space."""
    value = b"null" if message.value is None else message.value
    sys.stdout.buffer.write(value.replace(b"\r", b" ").replace(b"\n", b" ") + b"\n")


def _record(message: "Message") -> None:
    import json  # noqa: PLC0415

    document = {
        "topic": message.topic,
        "partition": message.partition,
        "offset": message.offset,
        "timestamp": _time(message.timestamp_ms),
        "key": _text(message.key),
        "headers": {name: _text(value) for name, value in message.headers},
        "value": _document(message.value),
    }
    sys.stdout.write(json.dumps(document, ensure_ascii=True) + "\n")


def _pretty() -> Any:
    from rich.console import Console  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    console = Console(highlight=False, soft_wrap=True)

    def show(message: "Message") -> None:
        document = _document(message.value)
        corridor = document.get("corridor") if isinstance(document, dict) else None
        line = Text(_time(message.timestamp_ms), style="dim")
        line.append(f"  {message.partition}@{message.offset}  ", style="dim")
        line.append(printable(_text(message.key) or "-"), style="bold")
        if isinstance(corridor, str) and corridor in _COLOURS:
            line.append(f"  {corridor}", style=_COLOURS[corridor])
        console.print(line)
        shown = (
            "tombstone"
            if message.value is None
            else printable(message.value.decode("utf-8", "backslashreplace"))
        )
        console.print(Text(shown))

    return show


def _document(value: bytes | None) -> Any:
    """The value as JSON if it is JSON, else as text."""
    import json  # noqa: PLC0415

    if value is None:
        return None
    try:
        return json.loads(value, parse_constant=_no_number)
    except (ValueError, RecursionError):
        return _text(value)


def _no_number(name: str) -> float:
    raise ValueError(f"{name} is no JSON")


def _text(value: bytes | str | None) -> str | None:
    return value.decode("utf-8", "backslashreplace") if isinstance(value, bytes) else value


def _time(milliseconds: int) -> str:
    try:
        return datetime.fromtimestamp(milliseconds / 1000, UTC).isoformat(timespec="milliseconds")
    except (OverflowError, ValueError, OSError):
        return str(milliseconds)
