import asyncio
from collections.abc import Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from corridor.console import past
from corridor.console.past import BusyError, Past
from corridor.console.snapshot import View


class Maker:
    """Makes a picture of so many bytes whenever it is let, and remembers of what."""

    def __init__(self, size: int = 10) -> None:
        self.size, self.version = size, 1
        self.made: list[View] = []
        self.at_once = self.most_at_once = 0
        self.go = asyncio.Event()
        self.go.set()
        self.past = Past(self.make, lambda: self.version)

    async def make(self, view: View) -> bytes:
        self.made.append(view)
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        await self.go.wait()
        self.at_once -= 1
        return str(view.start).encode().ljust(self.size)


def apart(scene: Coroutine[Any, Any, Any]) -> Any:
    """Run in a thread of its own: the browser of other tests has a loop in this one."""
    with ThreadPoolExecutor() as threads:
        return threads.submit(asyncio.run, scene).result(30)


def views(many: int) -> list[View]:
    return [View("day", n) for n in range(many)]


def test_a_picture_is_made_once_for_all_who_ask():
    async def asked() -> Maker:
        maker = Maker()
        maker.go.clear()
        view = View("day", 7)
        waiting = [asyncio.create_task(maker.past.picture(view)) for _ in range(1000)]
        await asyncio.sleep(0)
        waiting[0].cancel()  # the first leaves: the others wait for the same
        maker.go.set()
        told = await asyncio.gather(*waiting, return_exceptions=True)
        assert isinstance(told[0], asyncio.CancelledError)
        assert set(told[1:]) == {b"7".ljust(10)}
        assert await maker.past.picture(view) == b"7".ljust(10)
        return maker

    assert apart(asked()).made == [View("day", 7)]


def test_pictures_are_made_one_at_a_time_and_few_wait():
    async def asked() -> None:
        maker = Maker()
        maker.go.clear()
        waiting = [asyncio.create_task(maker.past.picture(view)) for view in views(past.MOST_WAITING)]
        await asyncio.sleep(0)
        with pytest.raises(BusyError, match="try again"):
            await maker.past.picture(View("week", 1))
        maker.go.set()
        await asyncio.gather(*waiting)
        assert maker.most_at_once == 1
        assert await maker.past.picture(View("week", 1))

    apart(asked())


def test_what_is_kept_is_bounded_and_the_least_asked_for_goes_first(monkeypatch):
    monkeypatch.setattr(past, "MOST_BYTES", 100)

    async def asked() -> None:
        maker = Maker(size=30)
        for view in views(3):
            await maker.past.picture(view)
        await maker.past.picture(View("day", 0))  # asked for again: 1 is now the oldest
        for n in range(3, 500):
            await maker.past.picture(View("day", n))
            await maker.past.picture(View("day", 0))
            assert maker.past.held <= 90
        assert maker.made.count(View("day", 0)) == 1
        assert maker.made.count(View("day", 1)) == 1
        await maker.past.picture(View("day", 1))
        assert maker.made.count(View("day", 1)) == 2
        huge = Maker(size=101)
        assert len(await huge.past.picture(View("day", 0))) == 101
        assert huge.past.held == 0

    apart(asked())


def test_messages_make_it_anew_but_not_at_every_one(monkeypatch):
    now = 100.0
    monkeypatch.setattr(past.time, "monotonic", lambda: now)

    async def asked() -> Maker:
        nonlocal now
        maker = Maker()
        for _ in range(50):  # 50 messages in a second
            await maker.past.picture(View("day", 1))
            maker.version += 1
            now += 0.02
        assert len(maker.made) == 1
        now += past.FRESH
        await maker.past.picture(View("day", 1))
        assert maker.past.held == 10
        return maker

    assert len(apart(asked()).made) == 2


def test_a_fault_is_told_and_not_kept():
    async def asked() -> None:
        broken = Past(lambda _: fault(), lambda: 1)
        for _ in range(2):
            with pytest.raises(RuntimeError):
                await broken.picture(View("day", 1))

    async def fault() -> bytes:
        raise RuntimeError

    apart(asked())
