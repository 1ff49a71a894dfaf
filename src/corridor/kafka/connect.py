"""A connection that is known to work, or one line that says why not."""

from typing import TYPE_CHECKING, Any, Final

from corridor.errors import CorridorError
from corridor.kafka.client import Settings

if TYPE_CHECKING:
    from confluent_kafka.admin import AdminClient

TIMEOUT: Final = 8.0
"""Seconds until a broker that says nothing counts as unreachable."""


class KafkaError(CorridorError):
    """Kafka cannot be reached, refuses, or holds something else than is needed."""


def connect(settings: Settings) -> "AdminClient":
    """A client for administration whose broker has answered; KafkaError, after 8 s at the latest, if none does."""
    from confluent_kafka import KafkaException  # noqa: PLC0415  # keeps `--help` quick
    from confluent_kafka.admin import AdminClient  # noqa: PLC0415

    heard: list[str] = []
    client = AdminClient(settings.librdkafka() | {"error_cb": lambda error: heard.append(error.str())})
    try:
        client.list_topics(timeout=TIMEOUT)
    except KafkaException as error:
        client.poll(0)
        raise KafkaError(_why(settings, heard, error.args[0].str())) from None
    return client


def refused(what: str, error: Any) -> KafkaError:
    """What a broker answered to a request, as an error with advice."""
    found = error.args[0] if isinstance(error, Exception) and error.args else error
    said = found.str() if hasattr(found, "str") else str(found)
    if "uthoriz" in said:
        return KafkaError(
            f"{what}: {said}; ask the administrator of Kafka for the permission (`corridor doctor`)"
        )
    return KafkaError(f"{what}: {said}; see `corridor doctor`")


def _why(settings: Settings, heard: list[str], last: str) -> str:
    told = next((line for line in heard if "uthentication" in line or "SSL" in line), None)
    if told and ("uthentication" in told or "SASL" in told):
        advice = "check username, password and sasl_mechanism"
    elif told:
        advice = "check security_protocol, ca_file, certificate_file and key_file"
    else:
        told = next((line for line in heard if "Connect" in line or "resolve" in line), last)
        advice = "check that it runs there (locally: `make kafka`) and --kafka"
    return f"Kafka on {settings.bootstrap} does not answer ({told.strip()[:200]}): {advice}"
