"""Every metric of the exporter: name, type, unit, labels, meaning, source. docs/metrics.md is made from it.

Names and units follow Prometheus's conventions: seconds, grams, ratios from 0 to 1, `_total` for what only grows.
A value of a label is one of a closed list; offices are bounded (see `offices`), versions are those of two rulebooks.
"""

from dataclasses import dataclass
from typing import Final, Literal

from corridor.kafka.topics import TOPICS
from corridor.messages.anomaly_texts import KINDS
from corridor.messages.columns import CORRIDORS, DIRECTIONS
from corridor.messages.reject import REJECT_CODES
from corridor.messages.vocabulary import BASES, GROUPS, SEVERITIES

Kind = Literal["gauge", "counter", "histogram"]
OTHER: Final = "other"
"""What is in no closed list, or beyond the bound."""
PERCENTILES: Final = ("50", "95", "99")
MODES: Final = tuple(map(str, range(1, 10)))
OUTCOMES: Final = ("decided", "rejected", "duplicate", "tombstone")
PARTS: Final = ("rates", "rules", "keys")
STATES: Final = ("in_force", "next")
BUCKETS: Final = (0.5, 1.0, 1.5, 2.0, 2.5, 3.0, 3.5, 4.0, 5.0, 7.5, 10.0, 15.0, 30.0, 60.0, 300.0)
"""Upper bounds, in seconds, of the histogram of decision times; the aim lies at 3.5."""
MOST_PARTITIONS: Final = 64
READER: Final = "reader"
OFFSETS: Final = "offsets"


@dataclass(frozen=True, slots=True)
class Family:
    """A metric. unit: "" of counts; labels: name to its closed list, () where families of labels are bounded otherwise."""

    name: str
    kind: Kind
    unit: str
    labels: dict[str, tuple[str, ...]]
    help: str
    source: str


_OFFICE: Final[dict[str, tuple[str, ...]]] = {"office": ()}
_PARTITION: Final[dict[str, tuple[str, ...]]] = {"partition": ()}
_DAY: Final = "picture.v1, today's cell of the service"
_OF_OFFICE: Final = "picture.v1, today's cells of offices"
_MONEY: Final = "national currency"
_FROM_START: Final = "since the exporter began to read"

FAMILIES: Final = (
    Family("corridor_service_declarations", "gauge", "", {"corridor": CORRIDORS},
           "Declarations of today by corridor, amended and cancelled ones taken back.", _DAY),
    Family("corridor_service_items", "gauge", "", {}, "Goods items of today.", _DAY),
    Family("corridor_service_customs_value", "gauge", _MONEY, {}, "Customs value of today.", _DAY),
    Family("corridor_service_net_mass_grams", "gauge", "grams", {}, "Net mass of today.", _DAY),
    Family("corridor_service_duty", "gauge", _MONEY, {}, "Customs duty of today.", _DAY),
    Family("corridor_service_vat", "gauge", _MONEY, {}, "Value-added tax of today.", _DAY),
    Family("corridor_service_automatic_ratio", "gauge", "ratio", {},
           "Share of today's declarations released without a person (green and blue).", _DAY),
    Family("corridor_service_late", "gauge", "", {}, "Declarations of today that came behind the watermark.", _DAY),
    Family("corridor_service_rejected", "gauge", "", {}, "Messages of today that could not be judged.", _DAY),
    Family("corridor_service_duplicates", "gauge", "", {}, "Exact duplicates of today.", _DAY),
    Family("corridor_service_flagged", "gauge", "", {}, "Declarations of today with a data-quality flag.", _DAY),
    Family("corridor_service_decide_seconds", "gauge", "seconds", {"percentile": PERCENTILES},
           "From registration to decision, percentiles of today; only where a stream lives in the present.", _DAY),
    Family("corridor_service_plan_payments", "gauge", _MONEY, {}, "Payments planned for today.", _DAY),
    Family("corridor_service_plan_ratio", "gauge", "ratio", {}, "Payments of today by those planned.", _DAY),
    Family("corridor_service_plan_forecast", "gauge", _MONEY, {}, "Payments expected at the day's end.", _DAY),
    Family("corridor_service_hour_declarations", "gauge", "", {"bound": ("observed", "expected", "low", "high")},
           "Declarations of the last whole hour of event time beside the norm of that hour; the norm needs a rulebook.",
           "picture.v1, cells of hours; the rulebook's norms"),
    Family("corridor_direction_declarations", "gauge", "", {"direction": DIRECTIONS},
           "Declarations of today by direction.", "picture.v1, today's cells of directions"),
    Family("corridor_transport_mode_declarations", "gauge", "", {"transport_mode": MODES},
           "Declarations of today by transport mode (UN/ECE Recommendation 19).",
           "picture.v1, today's cells of transport modes"),
    Family("corridor_office_declarations", "gauge", "", _OFFICE | {"corridor": CORRIDORS},
           "Declarations of today by office and corridor.", _OF_OFFICE),
    Family("corridor_office_payments", "gauge", _MONEY, _OFFICE, "Duty and VAT of today by office.", _OF_OFFICE),
    Family("corridor_office_decide_seconds", "gauge", "seconds", _OFFICE | {"percentile": ("95",)},
           "From registration to decision, 95th percentile of today; not for `other`.", _OF_OFFICE),
    Family("corridor_office_anomalies_open", "gauge", "", _OFFICE,
           "Open episodes at an office, of severity warning or critical.", "anomaly.v1"),
    Family("corridor_office_silent", "gauge", "", _OFFICE,
           "1 while an episode of silence is open at an office.", "anomaly.v1"),
    Family("corridor_anomalies_open", "gauge", "", {"kind": (*KINDS, OTHER), "severity": SEVERITIES},
           "Episodes that were opened and not closed.", "anomaly.v1"),
    Family("corridor_anomalies_total", "counter", "", {"kind": (*KINDS, OTHER), "severity": SEVERITIES},
           "Anomalies told; an episode counts once, by its first severity.", "anomaly.v1"),
    Family("corridor_rejects_total", "counter", "", {"code": (*REJECT_CODES, OTHER)},
           f"Messages that could not be judged, {_FROM_START}.", "rejects"),
    Family("corridor_decisions_total", "counter", "", {"rulebook": (), "corridor": CORRIDORS},
           f"Decisions by rulebook and corridor, {_FROM_START}; `other`: all but the four newest rulebooks.",
           "decision.v1"),
    Family("corridor_decisions_by_basis_total", "counter", "", {"basis": BASES},
           f"Decisions by what they rest on, {_FROM_START}.", "decision.v1"),
    Family("corridor_reasons_total", "counter", "", {"group": GROUPS},
           f"Declarations with a reason of the group, {_FROM_START}.", "decision.v1"),
    Family("corridor_random_control_total", "counter", "", {},
           f"Declarations drawn into the random control group, {_FROM_START}.", "decision.v1"),
    Family("corridor_shadow_decisions_total", "counter", "", {"corridor": CORRIDORS, "shadow": CORRIDORS},
           f"Decisions beside which a candidate was asked: corridor given and the candidate's, {_FROM_START}.",
           "decision.v1"),
    Family("corridor_decide_duration_seconds", "histogram", "seconds", {},
           "From registration to decision; without what was registered over a day before it was decided.",
           "decision.v1"),
    Family("corridor_partition_read_total", "counter", "", _PARTITION,
           "Records of declarations read by the job, exact over restarts.", "conservation.v1"),
    Family("corridor_partition_waiting", "gauge", "", _PARTITION,
           "Records read whose end is not told yet; below 0 something was doubled.", "conservation.v1"),
    Family("corridor_partition_lag", "gauge", "", _PARTITION,
           "Records of declarations that the job has not read yet.", "offsets of the broker, conservation.v1"),
    Family("corridor_records_total", "counter", "", {"outcome": OUTCOMES},
           "What became of the records read, exact over restarts.", "conservation.v1; of a run summary.json"),
    Family("corridor_conservation_timestamp_seconds", "gauge", "seconds", {},
           "When the job told last what became of its records.", "conservation.v1"),
    Family("corridor_uncommitted_records", "gauge", "", {"topic": tuple(TOPICS.values())},
           "Records of transactions that are open.", "offsets of the broker"),
    Family("corridor_uncommitted_seconds", "gauge", "seconds", {"topic": tuple(TOPICS.values())},
           "How long no transaction has ended although one is open, the longest of the topic's partitions.",
           "offsets of the broker"),
    Family("corridor_rulebook_info", "gauge", "", {"state": STATES, "version": ()},
           "1 for the rulebook in force and for the next.", "rulebook or registry"),
    Family("corridor_rulebook_effective_timestamp_seconds", "gauge", "seconds", {"state": STATES},
           "From when it judges.", "rulebook or registry"),
    Family("corridor_rulebook_expiry_timestamp_seconds", "gauge", "seconds", {"part": PARTS},
           "When the first of its parts ends: exchange rates (with the days they may be stale), a rule, a trusted key.",
           "rulebook or registry"),
    Family("corridor_registry_silent_seconds", "gauge", "seconds", {},
           "Since the registry answered this exporter last.", "registry"),
    Family("corridor_event_timestamp_seconds", "gauge", "seconds", {},
           "Event time up to which the picture counts.", "picture.v1"),
    Family("corridor_picture_silent_seconds", "gauge", "seconds", {},
           "Since a cell of the picture came last.", "picture.v1"),
    Family("corridor_source_up", "gauge", "", {}, "1 while topics or files can be read, all of them.", "the exporter"),
    Family("corridor_source_ready", "gauge", "", {},
           "1 once all was read that stood there at the start; before, nothing of it is told.", "the exporter"),
    Family("corridor_exporter_silent_seconds", "gauge", "seconds", {"thread": (READER, OFFSETS)},
           "Since what reads topics or files, or asks the broker for offsets, went round last.", "the exporter"),
    Family("corridor_exporter_errors_total", "counter", "", {"thread": (READER, OFFSETS)},
           "Rounds of these threads that failed.", "the exporter"),
    Family("corridor_source_messages_total", "counter", "", {"topic": tuple(TOPICS.values())},
           "Messages read by the exporter.", "the exporter"),
    Family("corridor_source_unreadable_total", "counter", "", {"topic": tuple(TOPICS.values())},
           "Messages among them that are not what the topic should hold.", "the exporter"),
)  # fmt: skip
"""All families, in the order in which they are told."""
