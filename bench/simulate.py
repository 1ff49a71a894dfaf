"""Declarations a second that the simulator makes, in one process: draw, plant, follow up, write bytes."""

import argparse
from datetime import date, timedelta
from time import perf_counter, process_time

from corridor.simulate import Options, Service, blocks, clean, day, write

START = date(2026, 11, 23)


def timed(name: str, work) -> None:  # type: ignore[no-untyped-def]
    wall, cpu = perf_counter(), process_time()
    made, size = work()
    wall, cpu = perf_counter() - wall, process_time() - cpu
    rates = f"{made / wall:>9,.0f}/s  {made / cpu:>9,.0f}/s of processor"
    print(f"{name:<34} {rates}  {size / made:>6,.0f} bytes each")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--per-day", type=int, default=25_000)
    parser.add_argument("--days", type=int, default=4)
    arguments = parser.parse_args()
    service, n = Service(1), arguments.per_day
    days = [START + timedelta(days=k) for k in range(arguments.days)]
    for when in days:  # scenes, calendars and the kernel's machine code are made once
        day(service, when, 500)
        next(iter(blocks(service, when, 10)))

    def originals() -> tuple[int, int]:
        return n * len(days), sum(len(block) for when in days for block in blocks(service, when, n))

    def drawn() -> tuple[int, int]:
        return sum(len(clean(service, when, n)) for when in days), 0

    batch = clean(service, days[0], n)

    def written() -> tuple[int, int]:
        return n, len(write.lines(batch)[0])

    def whole(options: Options) -> tuple[int, int]:
        made = [day(service, when, n, options) for when in days]
        return sum(len(d.records) for d in made), sum(len(block) for d in made for block in d.blocks())

    print(f"{len(days)} days of {n:,}, {len(batch.items) / n:.2f} items a declaration")
    timed("columns only", drawn)
    timed("bytes only", written)
    timed("clean originals, bytes", originals)
    timed("day: planted, followed up", lambda: whole(Options()))
    timed("day: and results, events", lambda: whole(Options(results=True, events=True)))
    timed("day: and 1 % garbage", lambda: whole(Options(results=True, events=True, garbage=0.01)))


if __name__ == "__main__":
    main()
