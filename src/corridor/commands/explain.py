"""`corridor rulebook explain`: which rules, norms, histories and coefficients led to a corridor."""

import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from corridor.commands.kafka import kafka_options, printable, settings_of
from corridor.commands.signing import log_asked, logged_options, split_logged
from corridor.errors import InputError

if TYPE_CHECKING:
    from rich.tree import Tree

    from corridor.explain import Explanation, Part

Lines = Callable[[str], Iterator[bytes]]
"""What stands in a topic, or in the folder of that name, and holds the declaration's reference."""


@click.command()
@click.argument("declaration_id")
@click.option(
    "--rulebook",
    type=click.Path(path_type=Path),
    help="Rulebook folder, or a folder of them; default: the shipped sample.",
)
@click.option(
    "--shadow", type=click.Path(path_type=Path), help="The rulebook on trial then, to be asked again too."
)
@click.option("--run", type=click.Path(path_type=Path), help="Output folder of the run that decided.")
@click.option(
    "--input", "source", type=click.Path(path_type=Path), help="Its declarations: a file or a folder."
)
@kafka_options
@click.option(
    "--version", type=click.IntRange(min=1), help="Version of the declaration; default: the newest."
)
@logged_options
@click.option("--json", "as_json", is_flag=True, help="The tree as JSON.")
def explain(  # options of a command
    declaration_id: str,
    rulebook: Path | None,
    shadow: Path | None,
    run: Path | None,
    source: Path | None,
    version: int | None,
    as_json: bool,
    **options: Any,
) -> None:
    """Say why a declaration was given its corridor. Restricted: it names rules, thresholds and coefficients.

    The declaration is judged again, from its message, its trace and the rulebook that the trace names, found in the
    folders of a run (--run and --input) or in topics (--kafka). Ends with code 1 if that gives another decision
    than the one written.
    """
    kafka, logged = split_logged(options)
    from corridor.messages import trace  # noqa: PLC0415  # keeps `--help` quick
    from corridor.rulebook.load import Shelf  # noqa: PLC0415  # keeps `--help` quick
    from corridor.rulebook.sample import sample_path  # noqa: PLC0415  # keeps `--help` quick

    if (run is None) != (source is None) or (run is None) == (
        kafka["bootstrap"] is None and kafka["config"] is None
    ):
        raise click.UsageError("give --run and --input, the folders of a run, or --kafka")
    asked = {"version": "newest" if version is None else str(version)}
    log_asked("explanation", declaration_id, asked, kafka["config"], logged)
    lines: Lines
    if run is not None and source is not None:
        lines = _files(run, source, declaration_id)
    else:
        lines = _topics(kafka, declaration_id)
    shelf = Shelf.load(rulebook or sample_path())
    traces = [one for one in trace.decode(list(lines("traces"))) if one.declaration_id == declaration_id]
    if not traces:
        raise InputError(
            f"no trace of a declaration {declaration_id!r}; give its reference and the run that decided on it"
        )
    versions = sorted(one.version for one in traces)
    wanted = versions[-1] if version is None else version
    found = next((one for one in traces if one.version == wanted), None)
    if found is None:
        raise InputError(
            f"{declaration_id!r} was decided in the versions {', '.join(map(str, versions))}, not {wanted}"
        )
    book = next((book for book in shelf.rulebooks if book.version == found.rulebook), None)
    if book is None:
        there = ", ".join(book.version for book in shelf.rulebooks)
        raise InputError(
            f"{declaration_id!r} was judged by the rulebook {found.rulebook!r}, and {rulebook or 'the sample'} holds "
            f"{there}; give --rulebook the folder that holds it"
        )
    from corridor.explain import again  # noqa: PLC0415  # the kernels, only once all is found
    from corridor.messages.decision import decode_shadow  # noqa: PLC0415
    from corridor.rulebook.candidate import OWN_RULES, Candidate  # noqa: PLC0415

    written = _decision(lines("decisions"), declaration_id, wanted)
    candidate = None
    if shadow is not None and (told := decode_shadow(written)) is not None:
        candidate = Candidate.load(shadow, 1.0, shelf, told.rulebook.endswith(OWN_RULES))
    _show(again(list(lines("declarations")), found, written, book, candidate), as_json)


def _holds(wanted: str) -> Callable[[bytes], bool]:
    """Whether a line may bear a reference: as it is, or as some writers of JSON escape it."""
    escaped = json.dumps(wanted)[1:-1]
    needles = {
        text.encode() for text in (wanted, wanted.replace("/", "\\/"), escaped, escaped.replace("/", "\\/"))
    }
    return lambda line: any(needle in line for needle in needles)


def _files(run: Path, source: Path, wanted: str) -> Lines:
    holds = _holds(wanted)

    def lines(topic: str) -> Iterator[bytes]:
        place = source if topic == "declarations" else run / topic
        if not place.exists():
            raise InputError(
                f"{place}: there is no such file or folder; give the output of `corridor run decide`"
            )
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and path.name[0] not in "._":
                with path.open("rb") as file:
                    yield from (line.rstrip(b"\r\n") for line in file if holds(line))

    return lines


def _topics(kafka: dict[str, Any], wanted: str) -> Lines:
    from corridor.kafka.follow import read  # noqa: PLC0415  # keeps `--help` quick
    from corridor.kafka.topics import TOPICS  # noqa: PLC0415  # keeps `--help` quick

    settings, holds = settings_of(**kafka), _holds(wanted)

    def lines(topic: str) -> Iterator[bytes]:
        for message in read(settings, TOPICS[topic]):
            if message.value is not None and holds(message.value):
                yield message.value

    return lines


def _decision(lines: Iterator[bytes], wanted: str, version: int) -> bytes:
    for line in lines:
        try:
            told = json.loads(line)
        except ValueError:
            continue
        if isinstance(told, dict) and (told.get("declaration_id"), told.get("version")) == (wanted, version):
            return line
    raise InputError(
        f"no decision on {wanted!r}, version {version}, though there is its trace; give the whole run"
    )


def _show(found: "Explanation", as_json: bool) -> None:
    if as_json:
        told = {
            "equal": found.equal,
            "decision": json.loads(found.decision),
            "explanation": asdict(found.tree),
        }
        sys.stdout.write(json.dumps(told, ensure_ascii=False, indent=2) + "\n")
    else:
        from rich.console import Console  # noqa: PLC0415  # keeps `--help` quick

        console = Console(highlight=False, soft_wrap=True)
        console.print(tree(found.tree))
        console.print(
            "[green]Judged again it is the decision that was written, bit for bit."
            if found.equal
            else "[red]Judged again it is another decision than was written: input, trace or rulebook is not what it was."
        )
    if not found.equal:
        sys.exit(1)


def tree(part: "Part", under: "Tree | None" = None) -> "Tree":
    """An explanation as rich draws it, without control characters that came from elsewhere."""
    from rich.text import Text  # noqa: PLC0415  # keeps `--help` quick
    from rich.tree import Tree  # noqa: PLC0415  # keeps `--help` quick

    text = Text(printable(part.what), style="bold" if part.parts else "")
    text.append(f"  {printable(part.value)}" if part.value else "", style="not bold cyan")
    here = Tree(text) if under is None else under.add(text)
    for inner in part.parts:
        tree(inner, here)
    return here
