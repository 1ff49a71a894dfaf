"""The page's server: assets, the picture whole and as it changes, the consignments behind it, tables."""

import asyncio
import contextlib
import json
import time
from collections.abc import AsyncIterator, Callable, Coroutine
from importlib import resources
from pathlib import Path
from typing import Any, Final

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

from corridor.console import consignments, requests, tables
from corridor.console.headers import Guarded
from corridor.console.hub import event
from corridor.console.painter import Painter
from corridor.console.past import BusyError
from corridor.console.standing import Run, UnreadError
from corridor.console.state import State
from corridor.errors import InputError

VIEWERS: Final = 2_000
"""Pages that may be open at once; another is asked to come again."""
BEAT: Final = 10.0
"""Seconds after which a viewer hears something in any case, so that a page knows a lost connection."""
ASKING: Final = 8
"""Requests for consignments that may wait; they are answered one at a time."""
ASSETS: Final = {
    "html": "text/html; charset=utf-8",
    "css": "text/css; charset=utf-8",
    "js": "text/javascript; charset=utf-8",
    "json": "application/json",
    "svg": "image/svg+xml",
}
Handler = Callable[[Request], Coroutine[Any, Any, Response]]


class Console:
    """The handlers, with what they share."""

    def __init__(self, state: State, run: Path | None) -> None:
        """run: the folder of a run, in which declarations are looked up; None for those in memory."""
        self.state = state
        self._run = Run(run) if run is not None else None
        self.painter = Painter(state)
        self.viewers = 0
        self.resyncs = 0
        """How often a viewer lagged and was sent to the newest picture."""
        self._one, self._asking = asyncio.Lock(), 0
        self._assets = {path.name: path.read_bytes() for path in _assets()}

    async def page(self, request: Request) -> Response:
        """The page itself."""
        del request
        return Response(self._assets["index.html"], media_type=ASSETS["html"])

    async def asset(self, request: Request) -> Response:
        """A file of the page."""
        name = request.path_params["name"]
        kind = ASSETS.get(name.rpartition(".")[2])
        if kind is None or name not in self._assets or name == "index.html":
            return Response("no such file\n", 404, media_type="text/plain")
        return Response(self._assets[name], media_type=kind)

    async def picture(self, request: Request) -> Response:
        """A picture whole, gzipped once for all who ask."""
        packed = await self.painter.whole(requests.view(request.query_params))
        return Response(packed, headers={"content-encoding": "gzip"}, media_type="application/json")

    async def events(self, request: Request) -> Response:
        """What changes of the live picture, as server-sent events."""
        channel = self.painter.channels[requests.view(request.query_params).period]
        if self.viewers >= VIEWERS:
            return JSONResponse(
                {"error": f"{VIEWERS} pages are open; try again"}, 503, headers={"retry-after": "30"}
            )
        known = request.query_params.get("version", "")
        version = int(known) if known.isdecimal() and len(known) < 12 else -1

        async def told(version: int = version) -> AsyncIterator[bytes]:
            self.viewers += 1
            try:
                yield b"retry: 2000\n\n" + self._beat()
                while not self.painter.closing:
                    news = await channel.after(version, BEAT)
                    if news is not None and news.startswith(b"event: resync"):
                        self.resyncs += 1
                    version = channel.version if news is not None else version
                    yield self._beat() if news is None else news
            finally:
                self.viewers -= 1

        return StreamingResponse(told(), media_type="text/event-stream", headers={"x-accel-buffering": "no"})

    def _beat(self) -> bytes:
        return event("beat", {"now": time.time()})

    async def declarations(self, request: Request) -> Response:
        """The declarations behind a figure, as JSON or CSV."""
        wanted = requests.wanted(request.query_params)
        if self._asking >= ASKING:
            return JSONResponse(
                {"error": "too many are asking; try again"}, 503, headers={"retry-after": "5"}
            )
        self._asking += 1
        try:
            async with self._one:
                rows, many = await asyncio.to_thread(self._look, wanted)
        finally:
            self._asking -= 1
        if request.query_params.get("as") == "csv":
            return _download(tables.consignments(rows), "consignments")
        return JSONResponse({"rows": rows, "found": many, "recent_only": self._run is None})

    def _look(self, wanted: consignments.Wanted) -> tuple[list[dict[str, Any]], int]:
        if self._run is not None:
            return consignments.newest(self._run.standing(wanted), wanted)
        with self.state.lock:
            kept = list(self.state.recent.standing(wanted)) if self.state.recent is not None else []
        return consignments.newest(kept, wanted)

    async def table(self, request: Request) -> Response:
        """A table of the page as CSV."""
        name, view = request.path_params["name"], requests.view(request.query_params)
        if name not in tables.TABLES:
            raise InputError(f"there is no table {name[:40]!r}: give one of {', '.join(tables.TABLES)}")
        sections = await self.painter.sections(view)
        start = (sections["meta"]["start"] or "nothing")[:10]
        return _download(
            await asyncio.to_thread(tables.table, name, sections), f"{name}-{view.period}-{start}"
        )

    async def health(self, request: Request) -> Response:
        """How the page fares, for those who run it; nothing of what it shows."""
        del request
        told = {"condition": self.state.link.condition, "viewers": self.viewers, "resyncs": self.resyncs}
        return JSONResponse(told | {"paint_seconds": round(self.painter.paint_seconds, 4)})


def _download(data: bytes, name: str) -> Response:
    headers = {"content-disposition": f'attachment; filename="corridor-{name}.csv"'}
    return Response(data, media_type="text/csv; charset=utf-8", headers=headers)


def _assets() -> list[Any]:
    return [
        path for path in resources.files("corridor.console").joinpath("assets").iterdir() if path.is_file()
    ]


def _refused(handler: Handler) -> Handler:
    """A request that cannot be used is answered with 400 and what to give; with 503 one too many, or what cannot be read."""

    async def answer(request: Request) -> Response:
        try:
            return await handler(request)
        except InputError as error:
            return Response(json.dumps({"error": str(error)}), 400, media_type="application/json")
        except BusyError as error:
            return JSONResponse({"error": str(error)}, 503, headers={"retry-after": "2"})
        except UnreadError as error:
            return JSONResponse({"error": str(error)}, 503, headers={"retry-after": "30"})

    return answer


def application(console: Console, hosts: list[str]) -> Starlette:
    """The application; hosts: names under which it may be called, so that no other site's name leads a browser here."""

    @contextlib.asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        del app
        painting = asyncio.create_task(console.painter.run())
        yield
        console.painter.close()
        painting.cancel()

    def route(path: str, handler: Handler) -> Route:
        return Route(path, _refused(handler), methods=["GET"])

    async def icon(request: Request) -> Response:
        del request
        return RedirectResponse("/assets/icon.svg")

    routes = [
        route("/", console.page),
        route("/favicon.ico", icon),
        route("/assets/{name}", console.asset),
        route("/data/picture", console.picture),
        route("/data/events", console.events),
        route("/data/consignments", console.declarations),
        route("/data/tables/{name}", console.table),
        route("/health", console.health),
    ]
    middleware = [
        Middleware(Guarded),
        Middleware(TrustedHostMiddleware, allowed_hosts=hosts, www_redirect=False),
    ]
    return Starlette(routes=routes, middleware=middleware, lifespan=lifespan)
