"""A connection that is known to work, or one line that says why not."""

import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Final

from corridor.errors import CorridorError
from corridor.kafka.client import Settings

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

TIMEOUT: Final = 8.0
"""Seconds until a broker that says nothing counts as unreachable."""


QUIET: Final = logging.getLogger("corridor.kafka.client")
"""Where clients write what they would else print: nowhere, until somebody adds a handler. Errors are raised."""
QUIET.addHandler(logging.NullHandler())


class KafkaError(CorridorError):
    """Kafka cannot be reached, refuses, or holds something else than is needed."""


def connect(settings: Settings) -> "AdminClient":
    """A client for administration whose broker has answered.

    KafkaError, after 8 s at the latest, if none does; sooner if a broker refuses the login or the certificate.
    """
    from confluent_kafka import KafkaException  # noqa: PLC0415  # keeps `--help` quick
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    heard: list[str] = []
    listening = {"error_cb": lambda error: heard.append(error.str()), "logger": QUIET}
    client = AdminClient(settings.librdkafka() | listening)
    deadline = time.monotonic() + TIMEOUT
    while True:
        try:
            client.list_topics(timeout=min(2.0, TIMEOUT))
            return client
        except KafkaException as error:
            client.poll(0)
            if time.monotonic() > deadline - 0.1 or any(map(_is_login, heard)) or any(map(_is_tls, heard)):
                raise KafkaError(_why(settings, heard, str(error.args[0].str()))) from None


def refused(what: str, error: Any) -> KafkaError:
    """What a broker answered to a request, as an error with advice."""
    found = error.args[0] if isinstance(error, Exception) and error.args else error
    said = found.str() if hasattr(found, "str") else str(found)
    if "uthoriz" in said:
        return KafkaError(
            f"{what}: {said}; ask the administrator of Kafka for the permission (`corridor doctor`)"
        )
    return KafkaError(f"{what}: {said}; see `corridor doctor`")


def _is_login(line: str) -> bool:
    return "uthentication" in line or "SASL mechanism" in line


def _is_tls(line: str) -> bool:
    return "SSL" in line


def _why(settings: Settings, heard: list[str], last: str) -> str:
    def first(of: Callable[[str], bool]) -> str:
        return next(filter(of, heard), "")

    if told := first(_is_login):
        advice = "check username, password and sasl_mechanism"
    elif told := first(_is_tls):
        advice = "check security_protocol, ca_file, certificate_file and key_file"
    else:
        told = first(lambda line: "Connect" in line or "resolve" in line) or last
        advice = "check that it runs there (locally: `make kafka`) and --kafka"
    return f"Kafka on {settings.bootstrap} does not answer ({told.strip()[:200]}): {advice}"
