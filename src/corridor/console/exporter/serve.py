"""The exporter at work: threads that read, a server that tells, until it is stopped."""

import socket
import threading
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from wsgiref.simple_server import WSGIRequestHandler, make_server

from prometheus_client import CollectorRegistry, ProcessCollector, generate_latest, make_wsgi_app
from prometheus_client.exposition import ThreadingWSGIServer

from corridor.console.exporter.collector import Exporter, Parts
from corridor.console.exporter.state import State
from corridor.errors import InputError
from corridor.output import reason


def registry_of(parts: Parts) -> CollectorRegistry:
    """The metrics of the exporter and of its own process."""
    registry = CollectorRegistry()
    registry.register(Exporter(parts))
    ProcessCollector(registry=registry)
    return registry


def exposition(parts: Parts) -> bytes:
    """All metrics as text, in Prometheus's own format."""
    return generate_latest(registry_of(parts))


def serve(
    parts: Parts,
    host: str,
    port: int,
    work: Sequence[Callable[[threading.Event], None]],
    ready: Callable[[], None],
) -> None:
    """Answer on host and port while every function of `work` runs in a thread; returns on KeyboardInterrupt.

    /metrics has the figures, /-/ready answers 503 until all was read that stood there, /-/healthy 200 in any case.
    ready: called once it answers. InputError if the port is taken or the host is not this machine's.
    """
    metrics = make_wsgi_app(registry_of(parts))
    try:
        server = make_server(host, port, answering(metrics, parts.state), _server(host), _Handler)
    except OSError as error:
        raise InputError(
            f"{host}:{port}: {reason(error)}; give another --port, or a --host of this machine"
        ) from None
    stop = threading.Event()
    threads = [threading.Thread(target=one, args=(stop,), daemon=True) for one in work]
    try:
        threading.Thread(target=server.serve_forever, name="server", daemon=True).start()
        ready()
        for thread in threads:
            thread.start()
        stop.wait()
    except KeyboardInterrupt:
        pass
    finally:
        stop.set()
        server.shutdown()
        server.server_close()
        for thread in threads:
            thread.join(3.0)


def answering(metrics: Any, state: State) -> Callable[[dict[str, Any], Any], Iterable[bytes]]:
    """A WSGI application that answers whether the exporter runs and is ready, and leaves all else to `metrics`."""

    def answer(environ: dict[str, Any], start: Any) -> Iterable[bytes]:
        path = environ.get("PATH_INFO")
        if path not in {"/-/ready", "/-/healthy"}:
            found: Iterable[bytes] = metrics(environ, start)
            return found
        well = path == "/-/healthy" or state.ready
        start("200 OK" if well else "503 Service Unavailable", [("Content-Type", "text/plain")])
        return [b"well\n" if well else b"reading what stands there\n"]

    return answer


class _Handler(WSGIRequestHandler):
    def log_message(self, format: str, *args: Any) -> None:  # noqa: A002  # its name there
        """Nothing: a scrape is no news."""


def _server(host: str) -> type[ThreadingWSGIServer]:
    class Bound(ThreadingWSGIServer):
        address_family = socket.AF_INET6 if ":" in host else socket.AF_INET

    return Bound
