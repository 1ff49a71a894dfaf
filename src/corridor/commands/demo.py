"""`corridor demo`: a service simulated, a rulebook fitted, a day decided, and what came of it shown."""

import hashlib
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from time import perf_counter
from typing import TYPE_CHECKING, Any, Final

import click

from corridor.errors import CorridorError, InputError

if TYPE_CHECKING:
    from corridor.study.demo import Places
    from corridor.study.report.content import Step

DAY: Final = date(2026, 11, 24)
"""A Tuesday without a holiday in the week before."""
SLOTS: Final = 2
MARK: Final = ".corridor-demo"
"""Stands in a demo's folder, so that --overwrite removes nothing else."""


@dataclass(frozen=True)
class Scenario:
    """What is simulated: originals on a mean working day, days of history, share of garbage."""

    seed: int
    per_day: int
    history_days: int
    garbage: float = 0.005


@dataclass
class Clock:
    """Times the steps and tells of them."""

    tell: Callable[[str], None]
    steps: "list[Step]" = field(default_factory=list)

    @contextmanager
    def step(self, name: str, note: Callable[[], str]) -> Iterator[None]:
        """Run one step; `note` says afterwards what it did."""
        from corridor.study.report.content import Step  # noqa: PLC0415  # keeps `--help` quick

        self.tell(name)
        begun = perf_counter()
        yield
        self.steps.append(Step(name, round(perf_counter() - begun, 2), note()))


@click.command()
@click.option(
    "--output",
    default="demo",
    show_default=True,
    type=click.Path(path_type=Path),
    help="New or empty folder.",
)
@click.option("--seed", default=1, show_default=True, type=click.IntRange(min=0), help="Same seed, same day.")
@click.option(
    "--per-day",
    default=25_000,
    show_default=True,
    type=click.IntRange(min=200),
    help="Declarations a working day.",
)
@click.option(
    "--history-days",
    default=30,
    show_default=True,
    type=click.IntRange(8, 200),
    help="Days to fit a rulebook on.",
)
@click.option("--overwrite", is_flag=True, help="Replace the folder of an earlier demo.")
@click.option(
    "--live",
    is_flag=True,
    help="Then replay the day on the live page; of an earlier demo in the folder at once.",
)
@click.option(
    "--speed",
    default=600.0,
    show_default=True,
    type=click.FloatRange(1.0, 100_000.0),
    metavar="FACTOR",
    help="With --live: so many times as fast as the day was.",
)
@click.option(
    "--port",
    default=8750,
    show_default=True,
    type=click.IntRange(0, 65_535),
    help="With --live: where the page is.",
)
@click.option("--open", "opens", is_flag=True, help="With --live: open it in the browser of this machine.")
def demo(
    output: Path, overwrite: bool, live: bool, speed: float, port: int, opens: bool, **scenario: int
) -> None:
    """Show everything once: simulate, fit, decide, and the picture of the day.

    Simulates a customs service with planted fraud (its truth kept aside), fits a rulebook on the history,
    judges one day with both Flink jobs on an embedded cluster of two slots, and shows the day's picture, what
    was found of the planted cases, and where everything lies; the page is OUTPUT/report.html, a picture of the
    centre's live page OUTPUT/picture.png where a Chromium is found.
    """
    if overwrite or not (live and finished(output)):
        _make(output, overwrite, Scenario(**scenario))
    if live:
        replay(output, speed, port, opens)


def finished(output: Path) -> bool:
    """Whether the folder holds an earlier demo that came to its end."""
    return (output / MARK).is_file() and (output / "report.json").is_file()


def _make(output: Path, overwrite: bool, scenario: Scenario) -> None:
    prepare(output, overwrite)
    from rich.console import Console  # noqa: PLC0415

    from corridor.study.report.terminal import show  # noqa: PLC0415

    with Console(stderr=True).status("") as status:
        report = run(output, scenario, lambda name: status.update(f"{name} ..."))
        status.update("take a picture of the live page ...")
        taken = photograph(output)
    console = Console(highlight=False, soft_wrap=True)
    show(report, console)
    console.print(f"Live page: corridor console --run {output / 'output'} --rulebook {output / 'rulebook'}")
    console.print(f"The day again, 600 times as fast: corridor demo --live --output {output}")
    console.print(taken, markup=False)


def photograph(output: Path) -> str:
    """Take a picture of the live page into OUTPUT/picture.png; says where it lies, or what is missing for it."""
    from corridor.commands.console import shown_files  # noqa: PLC0415  # keeps `--help` quick
    from corridor.console.screenshots import SHOTS, take  # noqa: PLC0415

    try:
        show = shown_files(output / "output", output / "rulebook")
        (path,) = take(show, output, [SHOTS[0]._replace(name="picture")])
    except CorridorError as error:
        return f"No picture of it was taken: {error}"
    return f"A picture of it: {path}"


def replay(output: Path, speed: float, port: int, opens: bool) -> None:
    """Put up the live page and let the day's messages come at their own times, `speed` times as fast."""
    from corridor.commands.console import put_up, shown_files  # noqa: PLC0415  # keeps `--help` quick
    from corridor.console.serving import Place  # noqa: PLC0415

    put_up(shown_files(output / "output", output / "rulebook", replay=speed), Place(port=port), opens)


def prepare(output: Path, overwrite: bool) -> None:
    """Make the folder, in the place of an earlier demo's if asked; InputError if it holds anything else."""
    if output.is_file():
        raise InputError(f"{output} is a file: give a new or an empty folder with --output")
    try:
        if output.is_dir() and any(output.iterdir()):
            if not (output / MARK).is_file():
                raise InputError(f"{output} holds something that is no demo's: give a new or an empty folder")
            if not overwrite:
                raise InputError(f"{output} holds an earlier demo: add --overwrite, or give another folder")
            shutil.rmtree(output)
        output.mkdir(parents=True, exist_ok=True)
        (output / MARK).touch()
    except OSError as error:
        raise InputError(f"{output}: {error.strerror or error}; give a folder that can be written") from error


def run(output: Path, scenario: Scenario, tell: Callable[[str], None]) -> Any:
    """All steps in their order; gives the report, whose page and figures stand in `output`."""
    from corridor.study import demo as study  # noqa: PLC0415

    places, clock = study.Places(output), Clock(tell)
    _simulate(places, scenario, clock)
    _fit(places, scenario, clock)
    rate = _decide(places, clock)
    notes = [
        f"Simulated with seed {scenario.seed}: {scenario.history_days} days of history and one day, "
        f"{scenario.per_day:,} declarations on a mean working day in both, "
        f"{100 * scenario.garbage:.1f} % of the day's records garbage."
    ]
    tell("read back and draw")
    report = study.assemble(places, DAY, clock.steps, rate, notes)
    study.write(report, places)
    return report


def _simulate(places: "Places", scenario: Scenario, clock: Clock) -> None:
    from corridor.simulate import Options, Service, folder  # noqa: PLC0415

    service, made = Service(scenario.seed), {"history": 0, "day": 0}

    def count(name: str) -> Callable[[object, int], None]:
        def add(_: object, records: int) -> None:
            made[name] += records

        return add

    start = DAY - timedelta(days=scenario.history_days)
    history = folder.Span(start, scenario.history_days, scenario.per_day, Options(results=True), "none")
    today = folder.Span(DAY, 1, scenario.per_day, Options(garbage=scenario.garbage), "last")
    with clock.step(
        "simulate", lambda: f"{made['history']:,} records of history, {made['day']:,} of the day"
    ):
        folder.write(service, history, places.history, count("history"))
        folder.write(service, today, places.today, count("day"))


def _fit(places: "Places", scenario: Scenario, clock: Clock) -> None:
    from corridor.rulebook.sample import sample_path  # noqa: PLC0415
    from corridor.study.fit import FitOptions, fit  # noqa: PLC0415

    key = places.root / "sampling.key"  # from the seed, so that a demo can be had again bit for bit
    key.write_text(hashlib.blake2b(f"demo {scenario.seed}".encode(), digest_size=32).hexdigest() + "\n")
    options = FitOptions(
        effective_from=datetime(DAY.year, DAY.month, DAY.day, tzinfo=UTC),
        sampling_key=key,
        rates=places.today / "rates.csv",
    )
    found: dict[str, Any] = {}

    def note() -> str:
        counts = found["report"].counts
        return f"norms, participants, model and thresholds from {counts['declarations']:,} declarations"

    with clock.step("fit a rulebook", note):
        sources = places.history / "declarations", places.history / "results"
        found["report"] = fit(*sources, places.rulebook, sample_path(), options, clock.tell)
    key.unlink()


def _decide(places: "Places", clock: Clock) -> float:
    """Run the jobs; gives declarations a second between the first and the last that was read."""
    from corridor.flink.embedded import Files, run_decide  # noqa: PLC0415

    seen: list[tuple[float, int]] = []

    def progress(counters: dict[str, int], total: int) -> None:
        if counters["judged"] and (not seen or counters["judged"] > seen[-1][1]):
            seen.append((perf_counter(), counters["judged"]))
        clock.tell(f"decide: {counters['judged']:,} of {total:,}")

    summary: dict[str, Any] = {}

    def note() -> str:
        return f"{summary['read']:,} records read, {SLOTS} slots, embedded Flink, start-up included"

    with clock.step("decide and paint the picture", note):
        files = Files(places.today / "declarations", places.output, places.rulebook, parallelism=SLOTS)
        summary.update(run_decide(files, progress))
    first, last = seen[0], seen[-1]
    return (last[1] - first[1]) / (last[0] - first[0]) if last[0] > first[0] else float("nan")
