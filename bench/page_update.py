"""How long an update of the centre's page takes, from the event's arrival to the frame that shows it.

A day of 20,000 declarations at so many offices is shown in Chromium at 1920 by 1080, then every cell comes anew, again
and again. Arrival is the time stamp of the server-sent event in the page, before it is parsed. Three ends are told:
the page's own work is done; the second animation frame after it has begun; the frame that holds the update was
presented, as the browser tells by Element Timing of a mark that the measure puts into that update. against: `src` of
another version of Corridor, which takes turns with this one.

Run: python -m bench.page_update [--offices 200] [--updates 10] [--rounds 3] [--against SRC]
"""

import argparse
import collections
import os
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from bench.side_by_side import machine
from playwright.sync_api import sync_playwright
from tests.console.material import Material, at, made, rulebook, written

from corridor.console.screenshots import browser

OWN = str(Path(__file__).resolve().parents[1] / "src")
NOON = 720
"""Minute of the day at which the first update comes."""
AIM = 200
"""Milliseconds from the event's arrival until it is shown."""
_COMMAND = "from corridor.cli import main; main()"
ENDS = ("the page's own work", "second frame", "presented")
_ARRIVAL = """
  const Plain = window.EventSource;
  window.seen = {};
  window.EventSource = class extends Plain {
    constructor(...asked) {
      super(...asked);
      this.addEventListener('delta', (event) => { window.arrived = event.timeStamp; });
    }
  };
"""
_ENDS = """() => {
  new PerformanceObserver((list) => list.getEntries().forEach((one) => {
    if (window.seen[one.identifier]) window.seen[one.identifier][2] = one.renderTime;
  })).observe({ type: 'element' });
  const root = document.documentElement;
  new MutationObserver(() => {
    const version = root.dataset.version;
    const times = window.seen[version] = [performance.now() - window.arrived, null, null, window.arrived];
    requestAnimationFrame(() => requestAnimationFrame(() => { times[1] = performance.now() - times[3]; }));
    document.getElementById('mark')?.remove();
    const mark = document.createElement('p');
    mark.id = 'mark';
    mark.setAttribute('elementtiming', version);
    mark.textContent = version;
    Object.assign(mark.style, { position: 'fixed', top: 0, left: 0, margin: 0, color: 'red' });
    document.body.append(mark);
  }).observe(root, { attributeFilter: ['data-version'] });
}"""
_TOLD = """() => Object.values(window.seen).filter((one) => one[2])
  .map(([own, frame, shown, from]) => [own, frame, shown - from])"""


def main() -> None:
    """Print the three times of each version, side by side."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--offices", type=int, default=200)
    parser.add_argument("--updates", type=int, default=10)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--against", type=Path)
    options = parser.parse_args()
    print(machine("playwright"))
    print(f"{options.offices} offices, every cell anew, 1920 by 1080, software rendering")
    trees = ({"before": str(options.against.resolve())} if options.against else {}) | {"now": OWN}
    material = made(options.offices, 20_000)
    found: dict[str, list[list[float]]] = collections.defaultdict(list)
    for _ in range(options.rounds):
        for which, src in trees.items():
            found[which] += updates(src, material, options.updates)
    for number, end in enumerate(ENDS):
        side_by_side = (
            f"{which}: {spread([one[number] for one in times])}" for which, times in found.items()
        )
        print(f"{end} (ms)".ljust(26), *side_by_side, sep="  ")
    print(f"aim: presented within {AIM} ms")


def spread(milliseconds: list[float]) -> str:
    """Median, what nine of ten stay under, and the most."""
    ordered = sorted(milliseconds)
    nine = ordered[round(0.9 * (len(ordered) - 1))]
    return f"median {statistics.median(ordered):.0f}, 90 % {nine:.0f}, most {ordered[-1]:.0f} of {len(ordered)}".ljust(
        46
    )


def updates(src: str, material: Material, many: int) -> list[list[float]]:
    """The three times of each update, in ms, of the page that the sources in `src` serve."""
    with tempfile.TemporaryDirectory() as work, sync_playwright() as playwright:
        run = written(Path(work) / "run", material, step=NOON, until=NOON)
        with served(src, run, rulebook(Path(work) / "book", material)) as url:
            chromium = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
            page = chromium.new_context(viewport={"width": 1920, "height": 1080}).new_page()
            page.add_init_script(_ARRIVAL)
            page.goto(url)
            page.wait_for_selector("html[data-ready] #tile-declarations")
            page.wait_for_timeout(2000)
            page.evaluate(_ENDS)
            return measured(page, run, material, many)


def measured(page: Any, run: Path, material: Material, many: int) -> list[list[float]]:
    """Write the picture of another minute, `many` times, and ask the page what it saw. The first is not counted."""
    for n in range(many + 1):
        lines = b"".join(line + b"\n" for line in material.lines(at(NOON + 1 + n)))
        with (run / "picture" / "part-0001.ndjson").open("ab") as file:
            file.write(lines)
        page.wait_for_timeout(2500)
    times: list[list[float]] = page.evaluate(_TOLD)
    if len(times) < many:
        raise SystemExit(
            f"{many + 1} updates were written, and the page told of {len(times)}: is the machine busy?"
        )
    return times[1:]


@contextmanager
def served(src: str, run: Path, book: Path) -> Iterator[str]:
    """The address of the page, served by a process of its own from the sources in `src`."""
    options = ["--run", run, "--follow", "--rulebook", book, "--port", "0"]
    command = [sys.executable, "-c", _COMMAND, "console", *options]
    environment = os.environ | {"PYTHONPATH": src, "PYTHONUNBUFFERED": "1"}
    pipe = subprocess.PIPE
    process = subprocess.Popen(command, stdout=pipe, stderr=pipe, text=True, env=environment)
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        if "http" not in line:
            raise SystemExit(f"{src} put no page up: {process.communicate()[1]}")
        yield line.split()[4]
    finally:
        process.send_signal(signal.SIGINT)
        process.wait(20)


if __name__ == "__main__":
    if shutil.which(browser() or "") is None:
        raise SystemExit("no Chromium: install it (Debian: apt-get install chromium)")
    main()
