"""A day as the topics tell it, with its truth beside it: made from a seed, without Flink, so that tests take a moment."""

import base64
import json
import random
from collections import Counter, defaultdict
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pyarrow as pa

from corridor.picture.norms import FORM, save

DAY = datetime(2026, 11, 24, tzinfo=UTC)
CORRIDORS = ("green", "blue", "yellow", "red")
ORIGINS = ("CN", "DE", "IT", "TR", "US", "FR", "PL", "KR", "JP", "IN", "VN", "BY")
CHAPTERS = ("84", "85", "87", "39", "73", "90", "94", "61", "62", "64", "33", "30", "08", "21")
REASONS = ("valuation", "weight", "origin", "model", "history", "participant", "data_quality")
SHAPE = (4, 3, 3, 5, 9, 18, 34, 52, 60, 58, 54, 50, 48, 49, 47, 42, 34, 24, 16, 12, 10, 8, 6, 5)
HOSTILE = '<img src=x onerror="window.hacked=1">'
FORMULA = "=HYPERLINK(1)"


def at(minutes: float) -> datetime:
    return DAY + timedelta(minutes=minutes)


def text(when: datetime) -> str:
    return when.isoformat(timespec="milliseconds").replace("+00:00", "Z")


@dataclass
class Material:
    """decisions: decision.v1 as dicts by registered_at; offices: codes; plan: payments planned of each."""

    decisions: list[dict[str, Any]]
    offices: list[str]
    plan: dict[str, float]
    flagged: set[str] = field(default_factory=set)

    def cells(self, until: datetime) -> list[dict[str, Any]]:
        """The picture as it stands at a moment: one message a cell."""
        cells: dict[tuple[str, str], list[dict[str, Any]]] = defaultdict(list)
        for one in self.decisions:
            if datetime.fromisoformat(one["registered_at"]) >= until:
                break
            hour = one["registered_at"][:13]
            for dimension, value in (
                ("service", "all"),
                ("office", one["office"]),
                ("direction", one["direction"]),
                ("corridor", one["corridor"]),
                ("transport_mode", str(one["transport_mode"])),
                ("hour", hour),
                ("office_hour", f"{one['office']}/{hour}"),
                *sorted({("hs_chapter", item["hs_chapter"]) for item in one["items"]}),
                *sorted({("origin_country", item["origin_country"]) for item in one["items"]}),
                *sorted(
                    {("origin_chapter", f"{i['origin_country']}/{i['hs_chapter']}") for i in one["items"]}
                ),
            ):
                cells[dimension, value].append(one)
        return [self.cell(*key, found, until) for key, found in cells.items()]

    def cell(
        self, dimension: str, value: str, found: list[dict[str, Any]], until: datetime
    ) -> dict[str, Any]:
        counts = Counter(one["corridor"] for one in found)
        payments = sum(one["payments"] for one in found)
        planned = (
            self.plan.get(value)
            if dimension == "office"
            else sum(self.plan.values())
            if dimension == "service"
            else None
        )
        timed = dimension in {"service", "office", "corridor"}
        return {
            "window_start": text(DAY),
            "window_end": text(until),
            "period": "day",
            "dimension": dimension,
            "value": value,
            "declarations": len(found),
            "items": sum(self.goods(dimension, value, one) for one in found),
            "customs_value": round(sum(one["customs_value"] for one in found), 2),
            "net_mass_kg": round(sum(one["net_mass_kg"] for one in found), 3),
            "duty": round(sum(one["duty"] for one in found), 2),
            "vat": round(sum(one["vat"] for one in found), 2),
            **{name: counts[name] for name in CORRIDORS},
            "automatic_share": round((counts["green"] + counts["blue"]) / len(found), 6),
            "rejected": 9 if dimension == "service" else None,
            "duplicates": 17 if dimension == "service" else None,
            "late": sum(one["late"] for one in found),
            "flagged": sum(one["declaration_id"] in self.flagged for one in found),
            "decide_seconds": {"p50": 2.7, "p95": 3.1, "p99": 3.4} if timed else None,
            "plan": None if planned is None else {
                "payments": planned, "share": round(payments / planned, 6), "forecast": round(payments * 1.18, 2),
            },
        }  # fmt: skip

    @staticmethod
    def goods(dimension: str, value: str, one: dict[str, Any]) -> int:
        """Goods items of a declaration in a cell."""
        of = {
            "hs_chapter": lambda item: item["hs_chapter"],
            "origin_country": lambda item: item["origin_country"],
            "origin_chapter": lambda item: f"{item['origin_country']}/{item['hs_chapter']}",
        }.get(dimension)
        return one["item_count"] if of is None else sum(of(item) == value for item in one["items"])

    def lines(self, until: datetime) -> list[bytes]:
        return [encoded(cell) for cell in self.cells(until)]


def encoded(document: dict[str, Any]) -> bytes:
    return json.dumps(document, ensure_ascii=False, separators=(",", ":")).encode()


def made(offices: int = 12, many: int = 1500, seed: int = 1, hostile: bool = False) -> Material:
    """A day of so many declarations; hostile: an office and an importer with names that would run, if anything let them."""
    draw = random.Random(seed)
    codes = [
        f"{10_000_000 + 1010 * draw.randint(100, 999) + n * 1_000_000 % 89_000_000:08d}"
        for n in range(offices)
    ]
    if hostile:
        codes[0], codes[1] = HOSTILE, FORMULA
    weights = [1 / (1 + n) ** 0.7 for n in range(offices)]
    decisions = []
    for n in range(many):
        hour = draw.choices(range(24), SHAPE)[0]
        when = at(hour * 60 + draw.random() * 60)
        office = draw.choices(codes, weights)[0]
        corridor = draw.choices(CORRIDORS, (74, 4, 16, 6))[0]
        items = [
            {"item_no": i + 1, "hs_chapter": draw.choices(CHAPTERS, range(len(CHAPTERS), 0, -1))[0],
             "origin_country": draw.choices(ORIGINS, [30, 14, 12, 10, 6, 6, 5, 4, 4, 3, 3, 3])[0],
             "probability": 0.123456789, "corridor": corridor, "customs_value": 1.0, "net_mass_kg": 1.0,
             "duty": 0.0, "vat": 0.0}
            for i in range(draw.randint(1, 4))
        ]  # fmt: skip
        value = round(draw.lognormvariate(13, 1), 2)
        duty, vat = round(value * 0.06, 2), round(value * 0.2, 2)
        reasons = [] if corridor == "green" else [draw.choice(REASONS)]
        decisions.append(
            {"declaration_id": f"{codes.index(office):08d}/241126/{3_000_000 + n}", "version": 1, "function": "original",
             "registered_at": text(when), "decided_at": text(when + timedelta(seconds=2.7)), "office": office,
             "direction": draw.choices(("import", "export", "transit"), (70, 25, 5))[0],
             "transport_mode": draw.choices((1, 2, 3, 4), (20, 25, 45, 10))[0],
             "importer": f"77{draw.randint(10**7, 10**8 - 1)}", "corridor": corridor, "probability": 0.987654321,
             "expected_loss": 1234567.89, "basis": "score" if reasons else "exempt", "late": draw.random() < 0.01,
             "reasons": [{"group": group, "item_no": 1, "contribution": 3.141592} for group in reasons], "items": items,
             "inclusion_probability": 0.005, "selected_at_random": False, "rulebook": "2026.11.24", "shadow": None,
             "customs_value": value, "payments": round(duty + vat, 2), "duty": duty, "vat": vat, "net_mass_kg": 812.5,
             "item_count": len(items)}
        )  # fmt: skip
    decisions.sort(key=lambda one: one["registered_at"])
    plan = {
        office: 40_000_000.0 * weight * many / 1500 for office, weight in zip(codes, weights, strict=True)
    }
    flagged = {one["declaration_id"] for one in decisions if draw.random() < 0.03}
    return Material(decisions, codes, plan, flagged)


def anomaly(
    office: str, n: int = 1, state: str | None = "opened", severity: str = "critical", **more: Any
) -> dict[str, Any]:
    """An office's silence, as the detector tells of it."""
    opened = text(at(540))
    return {
        "anomaly_id": f"{n:032x}",
        "kind": "picture.silence",
        "severity": severity,
        "subject": {"type": "office", "id": office},
        "office": office,
        "event_time": text(at(600)),
        "observed": 0.0,
        "expected": 41.3,
        "low": 24.0,
        "high": 61.0,
        "score": 17.2,
        "text": {
            "en": f"Office {office} is silent: 0 declarations.",
            "ru": f"Таможенный пост {office}: тишина.",
        },
        "evidence": {
            "start": opened,
            "stop": text(at(660)),
            "contributors": [{"dimension": "hs_chapter", "value": "84", "observed": 0.0, "expected": 12.5}],
        },
        "rulebook": "2026.11.24",
        "episode": None if state is None else {"id": f"episode-{n}", "state": state, "opened_at": opened},
    } | more


def rejected(code: str, when: datetime | None) -> dict[str, Any]:
    payload = json.dumps({"registered_at": text(when)} if when else {"secret": "bytes"}).encode()
    return {
        "code": code,
        "pointer": "/x",
        "stage": "decode",
        "source": "a:1",
        "payload_base64": base64.b64encode(payload).decode(),
    }


def written(folder: Path, material: Material, step: int = 60, until: int = 1440) -> Path:
    """A run's output folder: the picture every `step` minutes, two anomalies, nine rejects of the day and one undated."""
    parts: dict[str, list[bytes]] = {"picture": [], "decisions": [encoded(one) for one in material.decisions]}
    for minute in range(step, until + 1, step):
        parts["picture"] += material.lines(at(minute))
    parts["anomalies"] = [
        encoded(anomaly(material.offices[2])),
        encoded(anomaly(material.offices[0], 2, None, "warning")),
    ]
    codes = ["missing"] * 4 + ["type"] * 3 + ["utf8"] * 2
    parts["rejects"] = [encoded(rejected(code, at(600))) for code in codes] + [
        encoded(rejected("empty", None))
    ]
    for name, lines in parts.items():
        (folder / name).mkdir(parents=True, exist_ok=True)
        (folder / name / "part-0000.ndjson").write_bytes(b"".join(line + b"\n" for line in lines))
    (folder / "summary.json").write_text(
        json.dumps({"read": len(material.decisions), "rulebook": "2026.11.24"})
    )
    return folder


def rulebook(folder: Path, material: Material, version: str = "2026.11.24", starts: datetime = DAY) -> Path:
    """A rulebook folder with nothing but its manifest and the norms of the picture, which are those of the day."""
    from corridor.rulebook.manifest import write_manifest  # noqa: PLC0415

    counts = Counter((one["office"], int(one["registered_at"][11:13])) for one in material.decisions)
    hours = Counter(int(one["registered_at"][11:13]) for one in material.decisions)
    rows: list[tuple[str, str, int, float]] = [
        ("service", "all", hour, float(n)) for hour, n in hours.items()
    ]
    rows += [("office", office, hour, float(n)) for (office, hour), n in counts.items()]
    names = ("dimension", "value", "measure", "slot", "n", "expected", "dispersion", "low", "high")
    table = [
        (d, v, "declarations", (day * 24) + hour, 4.0, n, 0.01, 0.0, 0.0)
        for d, v, hour, n in rows
        for day in range(7)
    ]
    folder.mkdir(parents=True)
    columns = dict(zip(names, zip(*table, strict=True), strict=True))
    norms = pa.table({name: pa.array(column) for name, column in columns.items()})
    save(norms.replace_schema_metadata({"form": FORM}), folder)
    write_manifest(folder, version, starts)
    return folder
