"""How Kafka is reached: a TOML file, the environment and options, checked once before anything starts.

The file's table `[kafka]` has the fields of `Settings`; the environment names them as CORRIDOR_KAFKA_BOOTSTRAP and
so on. Options come before the environment, the environment before the file.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import ip_address
from pathlib import Path
from typing import Any, Final, Literal

from corridor.errors import InputError
from corridor.kafka.secret import NO_SECRET, Properties, Secret
from corridor.settings import Table, kinds

PROTOCOLS: Final = ("PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL")
MECHANISMS: Final = ("SCRAM-SHA-256", "SCRAM-SHA-512")
SHADED: Final = "org.apache.flink.kafka.shaded."
"""Flink's connector carries its own copy of Kafka's client under this name."""

_PLACE: Final = re.compile(r"(?:\[([0-9a-fA-F:]+)\]|([A-Za-z0-9._-]+)):(\d{1,5})")
_PATHS: Final = ("ca_file", "certificate_file", "key_file")
Purpose = Literal["connector", "java"]


@dataclass(frozen=True, slots=True)
class Settings:
    """Where Kafka is and how to get in; every field is a key of the table [kafka].

    insecure: allow a connection without TLS to another machine. transaction_timeout_ms: of the jobs' sinks;
    longer than a checkpoint and a restart, at most the broker's transaction.max.timeout.ms.
    """

    bootstrap: str
    security_protocol: str = "PLAINTEXT"
    sasl_mechanism: str = "SCRAM-SHA-512"
    username: str = ""
    password: Secret = NO_SECRET
    ca_file: str = ""
    certificate_file: str = ""
    key_file: str = ""
    key_password: Secret = NO_SECRET
    insecure: bool = False
    group: str = "corridor"
    transactional_id_prefix: str = "corridor"
    transaction_timeout_ms: int = 600_000

    def __post_init__(self) -> None:
        _check(self)

    @property
    def tls(self) -> bool:
        """Whether what travels is encrypted."""
        return self.security_protocol in {"SSL", "SASL_SSL"}

    @property
    def sasl(self) -> bool:
        """Whether a name and a password open the door."""
        return self.security_protocol.startswith("SASL_")

    def librdkafka(self) -> Properties:
        """Properties for the clients of confluent-kafka."""
        given: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.security_protocol,
            "client.id": "corridor",
            "log_level": 0,
            "reconnect.backoff.max.ms": 2000,
        }
        if self.sasl:
            given |= {"sasl.mechanism": self.sasl_mechanism, "sasl.username": self.username}
            given |= {"sasl.password": self.password.reveal()}
        if self.tls and self.ca_file:
            given |= {"ssl.ca.location": self.ca_file}
        if self.tls and self.certificate_file:
            given |= {"ssl.certificate.location": self.certificate_file, "ssl.key.location": self.key_file}
            given |= {"ssl.key.password": self.key_password.reveal()} if self.key_password.reveal() else {}
        return Properties(given)

    def java(self, purpose: Purpose = "connector") -> Properties:
        """Properties for Java clients; for Flink's connector they name its own login module.

        TLS material is handed over as text (PEM), so that no file needs to lie on the cluster's machines.
        """
        given: dict[str, Any] = {
            "bootstrap.servers": self.bootstrap,
            "security.protocol": self.security_protocol,
        }
        if self.sasl:
            module = "org.apache.kafka.common.security.scram.ScramLoginModule"
            prefix = SHADED if purpose == "connector" else ""
            login = f"username={_quoted(self.username)} password={_quoted(self.password.reveal())}"
            given |= {"sasl.mechanism": self.sasl_mechanism}
            given |= {"sasl.jaas.config": f"{prefix}{module} required {login};"}
        if self.tls and self.ca_file:
            given |= {"ssl.truststore.type": "PEM", "ssl.truststore.certificates": _text(self.ca_file)}
        if self.tls and self.certificate_file:
            given |= {"ssl.keystore.type": "PEM", "ssl.keystore.key": _text(self.key_file)}
            given |= {"ssl.keystore.certificate.chain": _text(self.certificate_file)}
            given |= {"ssl.key.password": self.key_password.reveal()} if self.key_password.reveal() else {}
        return Properties(given)


TABLE: Final = Table("kafka", kinds(Settings))


def load(
    bootstrap: str | None = None,
    file: Path | None = None,
    insecure: bool = False,
    environment: Mapping[str, str] = os.environ,
) -> Settings:
    """The settings of options, environment and file together, checked.

    InputError, which names the key and where it was given, for unknown keys and for whatever cannot be used.
    """
    values = TABLE.given(file, environment, {"bootstrap": bootstrap or None, "insecure": insecure or None})
    if "bootstrap" not in values:
        raise InputError(f"no Kafka broker is named: give --kafka HOST:PORT, or {TABLE.where('bootstrap')}")
    return Settings(**values)


def _check(settings: Settings) -> None:
    hosts = [_host(place.strip()) for place in settings.bootstrap.split(",")]
    if settings.security_protocol not in PROTOCOLS:
        raise InputError(
            f"security_protocol {settings.security_protocol!r}: give one of {', '.join(PROTOCOLS)}"
        )
    _check_login(settings)
    _check_certificates(settings)
    open_hosts = [host for host in hosts if not _is_loopback(host)]
    if not settings.tls and open_hosts and not settings.insecure:
        raise InputError(
            f"{settings.security_protocol} to {open_hosts[0]} would send declarations in the clear: set "
            "security_protocol to SASL_SSL or SSL in the file of --config, or say --insecure"
        )
    if not 1_000 <= settings.transaction_timeout_ms <= 86_400_000:
        raise InputError("transaction_timeout_ms: give milliseconds between 1000 and 86400000 (a day)")
    for key in ("group", "transactional_id_prefix"):
        if not getattr(settings, key):
            raise InputError(f"{key} is empty: give a name")


def _check_login(settings: Settings) -> None:
    given = bool(settings.username), bool(settings.password.reveal())
    if settings.sasl and settings.sasl_mechanism not in MECHANISMS:
        raise InputError(f"sasl_mechanism {settings.sasl_mechanism!r}: give one of {', '.join(MECHANISMS)}")
    if settings.sasl and not all(given):
        raise InputError(
            f"{settings.security_protocol} needs a username and a password (environment: {TABLE.prefix}USERNAME, "
            f"{TABLE.prefix}PASSWORD)"
        )
    if not settings.sasl and any(given):
        raise InputError(
            f"{settings.security_protocol} uses no username and password: set security_protocol to SASL_SSL"
        )


def _check_certificates(settings: Settings) -> None:
    if bool(settings.certificate_file) != bool(settings.key_file):
        raise InputError("certificate_file and key_file go together: give both, or none")
    given = [key for key in _PATHS if getattr(settings, key)]
    for key in given:
        _text(getattr(settings, key), key)
    if given and not settings.tls:
        raise InputError(
            f"{settings.security_protocol} uses no {given[0]}: set security_protocol to SSL or SASL_SSL"
        )


def _host(place: str) -> str:
    found = _PLACE.fullmatch(place)
    if found is None or not 1 <= int(found[3]) <= 65_535:
        raise InputError(f"Kafka's address {place!r}: give HOST:PORT, several separated by commas")
    return found[1] or found[2]


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _text(path: str, key: str = "") -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError as error:
        raise InputError(
            f"{key} {path}: {error.strerror or error}; give a PEM file that can be read"
        ) from None
    except UnicodeDecodeError:
        raise InputError(f"{key} {path}: not a PEM file; give a certificate or key as PEM") from None


def _quoted(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
