"""What the page's windows cost: a compacted picture loaded, and days that were lived through with every quarter of an hour.

Each day has 20,000 declarations of two items, by 200 offices, 97 chapters and 120 origins, drawn unevenly.

Seconds are those of the processor.

Run: python -m bench.windows [offices] [days]
"""

import gc
import json
import os
import random
import sys
import time
from collections.abc import Iterable, Iterator
from itertools import accumulate
from multiprocessing import get_context
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from bench.side_by_side import machine

from corridor.console.cells import DAY, MEASURES, PERIODS, Cell
from corridor.console.snapshot import View, snapshot
from corridor.console.state import State
from corridor.console.windows import QUARTER, Windows
from corridor.kafka.follow import Message
from corridor.kafka.topics import TOPICS
from corridor.messages.moment_text import rfc3339

DECLARATIONS = 20_000
MONDAY = 1_793_577_600_000_000
SHAPE = (4, 3, 3, 5, 9, 18, 34, 52, 60, 58, 54, 50, 48, 49, 47, 42, 34, 24, 16, 12, 10, 8, 6, 5)
Totals = dict[tuple[str, int, str, str], list[int]]


def main() -> None:
    offices, days = (int(sys.argv[i]) if len(sys.argv) > i else n for i, n in ((1, 200), (2, 15)))
    print(machine("msgspec"))
    told, telling = get_context("spawn").Pipe(duplex=False)
    other = get_context("spawn").Process(target=tell, args=(telling, offices, days))  # its memory is not ours
    other.start()
    lived_through(told, f"{days} days of {offices} offices")
    fresh = get_context("spawn").Process(target=compacted, args=(told,))
    fresh.start()
    fresh.join()
    other.join()


def lived_through(told: Connection, what: str) -> None:
    """Days as a page sees them that is open all the time: each cell that changed, every quarter of an hour."""
    before, seconds, many = memory(), 0.0, 0
    windows = Windows(upsert=True)
    while cells := told.recv():
        begun = time.process_time()
        for cell in cells:
            windows.put(Cell(*cell))
        seconds, many = seconds + time.process_time() - begun, many + len(cells)
    del cells, cell
    print(
        f"{what} lived through: {many:,} cells, {1e6 * seconds / many:.1f} us each, {megabytes(before)} held"
    )


def compacted(told: Connection) -> None:
    """The same as a page finds it that is opened then."""
    lines: list[bytes] = told.recv()
    print(f"compacted: {len(lines):,} messages, {sum(map(len, lines)) / 1e6:,.0f} MB of JSON")
    before, begun = memory(), time.process_time()
    state = State("here", upsert=True, keep=False)
    for first in range(0, len(lines), 5_000):
        state.take(
            Message(TOPICS["picture"], 0, 0, -1, None, line, ()) for line in lines[first : first + 5_000]
        )
    seconds = time.process_time() - begun
    print(f"loaded in {seconds:.2f} s, {len(lines) / seconds:,.0f} a second, {megabytes(before)} held")
    for period in PERIODS:
        begun = time.process_time()
        snapshot(state, View(period), 0)
        print(f"a picture of the {period} made of it: {1000 * (time.process_time() - begun):.0f} ms")


def tell(told: Connection, offices: int, days: int) -> None:
    """All cells in batches, an empty one, and what stands of them at last as messages."""
    totals: Totals = {}
    found: list[tuple[Any, ...]] = []
    for cell in lived(offices, days, totals):
        found.append(cell)
        if len(found) == 5_000:
            told.send(found)
            found = []
    told.send(found)
    told.send([])
    told.send([encoded(key, row) for key, row in totals.items()])


def lived(offices: int, days: int, totals: Totals) -> Iterator[tuple[Any, ...]]:
    """The cells that change, every quarter of an hour, of days and weeks; totals: filled with what stands."""
    draw = random.Random(1)
    names = [f"{10_000_000 + 1010 * n}" for n in range(offices)]
    by_office, by_chapter, by_origin = (
        list(accumulate(1 / (1 + n) ** power for n in range(many)))
        for many, power in ((offices, 0.7), (97, 0.8), (120, 1.0))
    )
    for start in range(MONDAY, MONDAY + days * DAY, DAY):
        for quarter in range(96):
            end = start + (quarter + 1) * QUARTER
            hour, changed = rfc3339(end - QUARTER)[:13], set()
            many = DECLARATIONS * SHAPE[quarter // 4] // sum(SHAPE) // 4
            for office in draw.choices(names, cum_weights=by_office, k=many):
                chapters = draw.choices(range(97), cum_weights=by_chapter, k=2)
                origins = draw.choices(range(120), cum_weights=by_origin, k=2)
                changed |= set(
                    counted(totals, start, office, hour, zip(origins, chapters, strict=True), draw)
                )
            for key in changed:
                totals[key][-1] = end
                yield *key[:2], end, *key[2:], tuple(totals[key][:-1])


def counted(
    totals: Totals, day: int, office: str, hour: str, goods: Iterable[tuple[int, int]], draw: random.Random
) -> Iterator[tuple[str, int, str, str]]:
    """The cells that a declaration changes, changed."""
    value, corridor = draw.randrange(1_000_000, 900_000_000), draw.choice(("green", "green", "blue", "red"))
    of = [("service", "all"), ("office", office), ("corridor", corridor), ("direction", "import"),
          ("transport_mode", str(draw.randrange(1, 6)))]  # fmt: skip
    for origin, chapter in goods:
        pair = f"{chr(65 + origin % 26)}{chr(65 + origin // 26)}", f"{chapter:02d}"
        of += [("origin_country", pair[0]), ("hs_chapter", pair[1]), ("origin_chapter", "/".join(pair))]
    week = day - (day - MONDAY) % PERIODS["week"]
    keys = [(period, start, *one) for period, start in (("day", day), ("week", week)) for one in of]
    for key in [*keys, ("day", day, "hour", hour), ("day", day, "office_hour", f"{office}/{hour}")]:
        row = totals[key] = totals.get(key) or [0] * (len(MEASURES) + 1)
        row[0] += 1
        row[1] += 2
        row[2:6] = [row[2] + value, row[3] + value // 900, row[4] + value // 20, row[5] + value // 5]
        row[6:10] = [
            row[6 + n] + (corridor == name) for n, name in enumerate(("green", "blue", "yellow", "red"))
        ]
        row[14:17] = 2700 + row[0] % 97, 3100, 3400 + row[0] % 89
        yield key


def encoded(key: tuple[str, int, str, str], row: list[int]) -> bytes:
    """A cell as its message."""
    told: dict[str, Any] = dict(zip(MEASURES, row, strict=False))
    scaled = {"customs_value": 100, "net_mass_kg": 1000, "duty": 100, "vat": 100}
    told |= {name: told[name] / by for name, by in scaled.items()}
    seconds = {name: told.pop(name) / 1000 for name in ("p50", "p95", "p99")}
    plan = {"payments": told.pop("planned") / 100, "share": None, "forecast": told.pop("forecast") / 100}
    window = {"window_start": rfc3339(key[1]), "window_end": rfc3339(row[-1])}
    head = {"period": key[0], "dimension": key[2], "value": key[3]}
    return json.dumps(window | head | told | {"decide_seconds": seconds, "plan": plan}).encode()


def memory() -> int:
    """Bytes of this process that are in memory now."""
    gc.collect()
    with Path("/proc/self/statm").open() as file:
        return int(file.read().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def megabytes(before: int) -> str:
    """What has come to memory since."""
    return f"{(memory() - before) / 1e6:,.0f} MB"


if __name__ == "__main__":
    main()
