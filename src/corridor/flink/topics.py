"""What a run over topics is told: its fields are the keys of the table [stream] of an operator's file.

Their defaults and limits stand here only; `corridor.settings` says where a value may come from.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, Literal, get_args

from corridor.errors import InputError
from corridor.kafka.client import Settings
from corridor.kafka.topics import TOPICS
from corridor.settings import Table, kinds

Backend = Literal["rocksdb", "hashmap"]

_LIMITS: Final = {
    "parallelism": (1, 64, "subtasks"),
    "checkpoint_ms": (100, 600_000, "milliseconds"),
    "bound_ms": (0, 172_800_000, "milliseconds"),
    "idle_ms": (50, 600_000, "milliseconds"),
    "bundle_ms": (1, 10_000, "milliseconds"),
    "ttl_days": (1, 3_650, "days"),
    "metrics_port": (0, 65_535, "a port, or 0 for none,"),
    "registry_poll_s": (1, 3_600, "seconds"),
    "shadow_percent": (1, 100, "percent of the declarations"),
}


@dataclass(frozen=True, slots=True)
class Source:
    """What is read of Kafka.

    bound_ms: how long the watermark waits for what comes out of order; idle_ms: after which silence a partition no
    longer holds the watermark of the others, which a tick then carries; bounded: stop at what stands in the
    topic now; from_beginning: pass over the group's committed offsets.
    """

    topic: str = TOPICS["declarations"]
    bound_ms: int = 2000
    idle_ms: int = 1000
    bounded: bool = False
    from_beginning: bool = False

    def __post_init__(self) -> None:
        for key in ("bound_ms", "idle_ms"):
            _within(self, key)
        if not self.topic:
            raise InputError("topic is empty: give the name of the topic of declarations")


@dataclass(frozen=True, slots=True)
class Topics:
    """A run over topics.

    state: folder or URI of checkpoints, from which a further run goes on; rulebook: None for the shipped sample;
    registry: folder or URL of published rulebooks in its place, which the workers look at every registry_poll_s, with
    the folder of trusted_keys; audit: log of switches and refusals on each machine, signed by audit_key;
    shadow: a candidate that is asked about shadow_percent of the declarations and decides nothing; parallelism: None
    for 2, or for what `flink run -p` gave; checkpoint_ms: how often what was written becomes readable; bundle_ms: how
    long a worker's batch waits to be filled; ttl_days: how long versions and histories are remembered; backend: rocksdb
    keeps state on disk and writes checkpoints of what changed, hashmap keeps it in memory and writes all of it each
    time; metrics_port: where Prometheus finds the metrics of an embedded run, 0 for nowhere (a cluster has its own
    reporter); decided_at: microseconds, None for now; plan: of payments.
    """

    settings: Settings
    state: Path | str
    source: Source = field(default_factory=Source)
    rulebook: Path | None = None
    shadow: Path | None = None
    shadow_percent: int = 100
    parallelism: int | None = None
    picture: bool = True
    histories: bool = True
    checkpoint_ms: int = 5000
    bundle_ms: int = 100
    ttl_days: int = 35
    backend: Backend = "hashmap"
    metrics_port: int = 0
    registry: str | None = None
    trusted_keys: Path | None = None
    registry_poll_s: int = 10
    audit: Path | None = None
    audit_key: Path | None = None
    decided_at: int | None = None
    plan: Path | None = None

    def __post_init__(self) -> None:
        for key in (
            "parallelism",
            "checkpoint_ms",
            "bundle_ms",
            "ttl_days",
            "metrics_port",
            "registry_poll_s",
            "shadow_percent",
        ):
            _within(self, key)
        if self.backend not in get_args(Backend):
            raise InputError(f"backend {self.backend!r}: give one of {', '.join(get_args(Backend))}")
        check_place(self.rulebook, self.registry, self.trusted_keys)
        if self.audit is not None and (self.audit_key is None or self.trusted_keys is None):
            raise InputError(
                "audit needs audit_key, the key that signs it, and trusted_keys, with its public half"
            )
        if not str(self.state):
            raise InputError("state is empty: give a folder for checkpoints")
        if self.checkpoint_ms >= self.settings.transaction_timeout_ms:
            raise InputError(
                f"checkpoint_ms {self.checkpoint_ms}: the broker would end transactions before a checkpoint commits "
                f"them, at transaction_timeout_ms {self.settings.transaction_timeout_ms} of [kafka]; give less"
            )


_OF_SOURCE: Final = kinds(Source)
TABLE: Final = Table("stream", kinds(Topics, {"settings", "source", "decided_at"}) | _OF_SOURCE)


def load(
    settings: Settings,
    file: Path | None = None,
    options: Mapping[str, object] = {},
    environment: Mapping[str, str] = os.environ,
) -> Topics:
    """The run that options (by key; None: not given), environment and file tell of together, checked.

    InputError, which names the key, for unknown keys, a missing state, and whatever cannot be used.
    """
    values = TABLE.given(file, environment, options)
    if "state" not in values:
        raise InputError(
            f"no place for state is named: give --state DIR, or {TABLE.where('state')}; to run over files, give "
            "--input and --output"
        )
    source = {key: values.pop(key) for key in _OF_SOURCE if key in values}
    return Topics(settings, source=Source(**source), **values)


def default(key: str) -> Any:
    """What holds where a key of [stream] is not given."""
    of = Source if key in _OF_SOURCE else Topics
    return of.__dataclass_fields__[key].default


def _within(told: Source | Topics, key: str) -> None:
    value, (least, most, unit) = getattr(told, key), _LIMITS[key]
    if value is not None and not least <= value <= most:
        raise InputError(f"{key} {value}: give {unit} from {least} to {most}")


def check_place(rulebook: Path | None, registry: str | None, trusted_keys: Path | None) -> None:
    """InputError unless rulebooks come from one place, a registry's with the keys that are trusted."""
    if rulebook is not None and registry is not None:
        raise InputError("rulebook and registry: give one of them, the folder or the place of publications")
    if registry is not None and trusted_keys is None:
        raise InputError("registry needs trusted_keys: give --trusted, the folder of public keys")
