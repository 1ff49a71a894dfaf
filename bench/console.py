"""The centre's page at 200 offices: first paint, and a thousand viewers of whom some never read.

A day of 20,000 declarations is shown; for the viewers its cells come anew again and again. What an update takes in the
page is measured by `bench.page_update`.

Run: python -m bench.console [offices] [viewers]
"""

import asyncio
import json
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from bench.side_by_side import machine
from playwright.sync_api import sync_playwright
from tests.console.material import at, made, rulebook, written
from tests.console.serve import up

from corridor.console.screenshots import browser
from corridor.console.snapshot import View, snapshot

UPDATES = 20
LONGEST = 1 << 24
"""Bytes of a line that a viewer takes: every cell anew is more than asyncio's 64 KiB."""
_TIMES = """() => {
  const [update] = performance.getEntriesByName("update");
  const [paint] = performance.getEntriesByName("first-contentful-paint");
  return { paint: paint.startTime, ready: update.startTime + update.duration };
}"""


def main() -> None:
    offices, viewers = (int(sys.argv[i]) if len(sys.argv) > i else n for i, n in ((1, 200), (2, 1000)))
    material = made(offices, 20_000)
    print(machine("starlette", "uvicorn", "playwright"))
    with tempfile.TemporaryDirectory() as work:
        run = written(Path(work) / "run", material, step=720, until=720)
        with up(run, rulebook(Path(work) / "book", material), follow=True) as (url, running):
            time.sleep(5)
            whole = running.console.painter.channels["day"].whole.packed
            print(f"{offices} offices; the whole picture {len(whole):,} bytes gzipped")
            paints = opened(url)
            tell("first contentful paint", [one["paint"] for one in paints], 1000)
            tell("figures on the page", [one["ready"] for one in paints], 1000)
            begun = time.perf_counter()
            snapshot(running.console.state, View(), 0)
            print(f"a picture made on the server: {1000 * (time.perf_counter() - begun):.1f} ms")
            asyncio.run(crowd(url, viewers, more(run, material), running))


def tell(what: str, milliseconds: list[float], aim: int) -> None:
    ordered = sorted(milliseconds)
    print(
        f"{what}: median {statistics.median(ordered):.0f} ms, most {ordered[-1]:.0f} ms of {len(ordered)} (aim {aim})"
    )


def more(run: Path, material: Any) -> Iterator[None]:
    """Each step writes the picture of another minute: every cell anew."""
    for n in range(10_000):
        part = run / "picture" / "part-0001.ndjson"
        with part.open("ab") as file:
            file.write(b"".join(line + b"\n" for line in material.lines(at(721 + n))))
        yield


def opened(url: str) -> list[dict[str, float]]:
    """First contentful paint, and when all figures in view stood, of fresh contexts; ms after the page was asked for."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=browser(), args=["--no-sandbox"])
        found = []
        for _ in range(5):
            page = chromium.new_context(viewport={"width": 1920, "height": 1080}).new_page()
            page.goto(url)
            page.wait_for_selector("html[data-ready]")
            found.append(page.evaluate(_TIMES))
        return found


async def crowd(url: str, viewers: int, steps: Iterator[None], running: Any) -> None:
    """Viewers by the thousand: nine of ten read, one of ten never does; what they hear, and what the server takes."""
    port = int(url.rsplit(":", 1)[1].strip("/"))
    heard: list[int] = []
    before = memory()

    async def one(n: int) -> None:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=LONGEST)
        writer.write(b"GET /data/events HTTP/1.1\r\nhost: localhost\r\n\r\n")
        if n % 10 == 0:
            await asyncio.sleep(3600)
        while line := await reader.readline():
            if line.startswith(b"data:") and b'"to"' in line:
                heard.append(json.loads(line[5:])["to"])

    tasks = [asyncio.create_task(one(n)) for n in range(viewers)]
    while running.console.viewers < viewers:
        await asyncio.sleep(0.1)
    for _ in range(UPDATES):
        await asyncio.to_thread(next, steps)
        await asyncio.sleep(1.5)
    newest, begun = running.console.painter.channels["day"].version, time.perf_counter()
    while heard.count(newest) < viewers - viewers // 10 and time.perf_counter() < begun + 10:
        await asyncio.sleep(0.1)
    print(
        f"{viewers} viewers, a tenth of whom never read: {running.console.viewers} held, {len(heard):,} changes heard, "
        f"{heard.count(newest)} have the newest after {time.perf_counter() - begun:.1f} s, "
        f"memory of viewers and server + {memory() - before} MB"
    )
    for task in tasks:
        assert not task.done(), task.exception()
        task.cancel()


def memory() -> int:
    """Most memory of this process so far, MB; viewers and server are both in it."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


if __name__ == "__main__":
    main()
