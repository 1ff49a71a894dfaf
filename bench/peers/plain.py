"""`judge` as a newcomer writes it: json.loads, dictionaries, a lambda a rule, Booster.predict on the few items.

It gives the corridors of `corridor.judge` for declarations without histories (tests/bench/test_plain.py), reads the same
rulebook folder, and is meant to be plain, not slow: tables are dictionaries read once, and the model is asked once
a declaration, with one thread. It writes no reasons and no trace, which is less than the other ways do. What a twin of
the tests states already (integrator, corridors, norm cells) is taken from there.
"""

import bisect
import hashlib
import json
import math
from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from pathlib import Path
from typing import Any

import lightgbm
import numpy as np
import pyarrow.parquet as pq
from ruamel.yaml import YAML
from tests.naive import integrate, norms, recovery
from tests.naive.lookup import back_off

from corridor.messages.columns import CORRIDORS
from corridor.messages.skeleton import skeleton
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.groups import BASES, GROUPS
from peers.plain_rules import NAN, read_lists, rule

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)
ROLES = {"importer": 0.5, "declarant": 0.25, "exporter": 0.25}
NOBODY = (0.0, NAN, NAN, NAN)
CODES = ("office", "procedure", "declarant", "importer", "exporter", "dispatch_country", "delivery_terms")
MEASURES = ("value_per_kg", "value_per_unit", "kg_per_unit")
UNKNOWN = {name: NAN for name in FIELDS if name.startswith("history.")}


def ratio(a: float, b: float) -> float:
    """A / b where both are above zero."""
    return a / b if a > 0 and b > 0 else NAN


class Plain:
    """A rulebook in dictionaries, and its judgement of one declaration at a time."""

    def __init__(self, folder: Path) -> None:
        yaml = YAML(typ="safe", pure=True)
        self.lists = read_lists(folder / "lists")
        entries = yaml.load(folder / "rules.yaml")["rules"]
        active = [entry for entry in entries if entry.get("stage", "active") == "active"]
        self.rules = [rule(entry, self.lists) for entry in active]
        self.effects = [one.effect for one in self.rules]
        self.policy = yaml.load(folder / "corridors.yaml")
        sheet = yaml.load(folder / "model.yaml")
        self.features = [feature["name"] for feature in sheet["features"]]
        calibration = sheet["calibration"]
        self.calibration = calibration["a"], calibration["b"], calibration.get("ceiling", 1.0)
        self.model = lightgbm.Booster(model_file=str(folder / "model.txt"))
        foretold = folder / "recovery.txt"
        self.recovery = lightgbm.Booster(model_file=str(foretold)) if foretold.is_file() else None
        self.key = bytes.fromhex((folder / "sampling.key").read_text().strip())
        self._tables(folder)

    def _tables(self, folder: Path) -> None:
        def rows(name: str) -> list[dict[str, Any]]:
            return pq.ParquetFile(folder / f"{name}.parquet").read().to_pylist()  # type: ignore[no-any-return]

        self.cells: dict[str, dict[Any, Any]] = {measure: {} for measure in MEASURES}
        for row in rows("norms"):
            if row["n"] >= self.policy.get("norms", {}).get("n_min", 30):
                scale = 1.4826 * max(row["mad"], 0.05)
                quantiles = [row[name] for name in ("p1", "p5", "p95", "p99", "fence_low", "fence_high")]
                cell = (row["median"], math.exp(row["median"]), scale, *quantiles)
                key = row["hs"], row["origin"] or 0, row["unit"] or ""
                factors = [math.exp(row.get(f"month_{k:02d}") or 0.0) for k in range(1, 13)]
                self.cells[row["measure"]][key] = row["level"], cell, factors
        self.shares = {(row["kind"], row["of"], row["value"]): row["share"] for row in rows("shares")}
        self.sharing = {(kind, of) for kind, of, _ in self.shares}
        self.participants = {
            (row["role"], row["code"]): (
                row["coefficient"],
                float(row["declarations"]),
                (row["first_seen"] - EPOCH) // MICROSECOND,
                row["daily"],
            )
            for row in rows("participants")
        }
        self.encodings: dict[str, tuple[str, dict[str, float]]] = {}
        for row in rows("encodings"):
            self.encodings.setdefault(row["feature"], (row["field"], {}))[1][row["text"]] = row["value"]
        self.rates: dict[str, tuple[list[int], list[float]]] = {}
        for row in sorted(rows("rates"), key=lambda row: row["date"]):
            days, rates = self.rates.setdefault(row["currency"], ([], []))
            days.append(row["date"].toordinal() - EPOCH.toordinal())
            rates.append(row["rate"])

    def decide(self, payload: bytes) -> bytes:
        """The decision on one declaration, as JSON."""
        document = json.loads(payload)
        rows = self.rows(document)
        features = np.array([[self.feature(row, name) for name in self.features] for row in rows])
        slope, offset, ceiling = self.calibration
        for row, raw in zip(rows, self.model.predict(features, raw_score=True, num_threads=1), strict=True):
            row["model.probability"] = ceiling / (1 + math.exp(-(slope * raw + offset)))
        hits = [[one.hits(row) for row in rows] for one in self.rules]
        model = [row["model.probability"] for row in rows]
        shift = sum(weight * self.party(document, role)[0] for role, weight in ROLES.items())
        shifts = [math.log(1.5) * min(max(shift, -1.0), 1.0)]
        evidence = integrate.integrate(hits, self.effects, model, shifts, [0] * len(rows), len(GROUPS))
        cancelled = document["function"] == "cancellation"
        identity = document["declaration_id"].encode()
        digest = hashlib.blake2b(identity, digest_size=8, key=self.key).digest()
        draw = (int.from_bytes(digest, "big") >> 11) * 2.0**-53
        thresholds, rate, random_corridor = self.demands(rows[0])
        corridor, probability, basis, at_random, items = integrate.choose(
            evidence, thresholds, rate, random_corridor, draw, False, cancelled
        )
        paid = [sum(max(cents(item.get(name)), 0) for name in ("duty", "vat")) for item in document["items"]]
        loss = math.floor(probability * sum(paid) + 0.5)
        if self.recovery is not None:
            raws = self.recovery.predict(features, raw_score=True, num_threads=1)
            loss = recovery.loss([row[0] for row in evidence], paid, map(recovery.share, raws))
        told = {
            "declaration_id": document["declaration_id"],
            "version": document["version"],
            "corridor": CORRIDORS[corridor],
            "probability": probability,
            "expected_loss": loss / 100,
            "basis": basis if basis in BASES else "score",
            "selected_at_random": at_random,
            "items": [
                {"item_no": item["item_no"], "corridor": CORRIDORS[found]}
                for item, found in zip(document["items"], items, strict=True)
            ],
        }
        return json.dumps(told).encode()

    def feature(self, row: Mapping[str, Any], name: str) -> float:
        """A number of the model: a field, or the number of a code."""
        if name in self.encodings:
            field, values = self.encodings[name]
            return values.get(row[field], NAN)
        return float(row[name])

    def party(self, document: Mapping[str, Any], role: str) -> tuple[float, float, float, float]:
        """Coefficient, declarations, first seen and daily number of a party."""
        return self.participants.get((role, document.get(role)), NOBODY)

    def demands(self, row: Mapping[str, Any]) -> tuple[list[float], float, int]:
        """Thresholds, the rate of the random control group and its corridor."""
        random = self.policy.get("random", {"rate": 0.0})
        cuts = next((one for one in self.policy["thresholds"] if _fits(one, row)), None)
        strata = next((one for one in random.get("strata", []) if _fits(one, row)), random)
        thresholds = [cuts[name] for name in CORRIDORS[1:]] if cuts else [math.inf] * 3
        return thresholds, strata["rate"], CORRIDORS.index(random.get("corridor", "red"))

    def rows(self, document: dict[str, Any]) -> list[dict[str, Any]]:
        """One dictionary of fields for each goods item."""
        head = self.head(document)
        return [self.item(item, head) for item in document["items"]]

    def head(self, document: dict[str, Any]) -> dict[str, Any]:
        """The fields of the declaration."""
        items = document["items"]
        registered = (datetime.fromisoformat(document["registered_at"]) - EPOCH) // MICROSECOND
        codes = {name: document.get(name) or "" for name in CODES}
        row: dict[str, Any] = {f"declaration.{name}": matched(text) for name, text in codes.items()}
        for name in ("direction", "function", "version", "transport_mode"):
            row[f"declaration.{name}"] = document[name]
        value = sum(max(cents(item.get("customs_value")), 0) for item in items)
        paid = sum(max(cents(item.get(name)), 0) for item in items for name in ("duty", "vat"))
        row |= UNKNOWN | {
            "declaration.registered_at": registered / 1e6,
            "declaration.hour": registered // 3_600_000_000 % 24,
            "declaration.weekday": (registered // 86_400_000_000 + 3) % 7 + 1,
            "declaration.item_count": len(items),
            "declaration.customs_value": value / 100,
            "declaration.payments": paid / 100,
            "declaration.net_mass_kg": sum(max(item.get("net_mass_kg") or 0.0, 0.0) for item in items),
            "quality.amendment_first": float(document["function"] != "original"),
            "quality.other_declarant": 0.0,
            "quality.late": 0.0,
            "quality.time_future": 0.0,
            "quality.office_unknown": self.strange(row["declaration.office"], "offices"),
            "quality.dispatch_unknown": self.strange(row["declaration.dispatch_country"], "countries"),
        }
        texts = [*codes.values(), *(item.get(name) or "" for item in items for name in ITEM_CODES)]
        row["quality.look_alike"] = float(any(matched(text) != text for text in texts))
        texts += [document["declaration_id"], *(item["hs_code"] for item in items)]
        odd = any(controls(text) for text in texts)
        odd |= any(controls((item.get("description") or "").translate(LAYOUT)) for item in items)
        row["quality.control_characters"] = float(odd)
        for role in ROLES:
            known = self.party(document, role)
            row[f"participant.{role}_known"] = float(known is not NOBODY)
            row[f"participant.{role}_declarations"] = known[1]
            row[f"participant.{role}_age_days"] = (registered - known[2]) / 86_400_000_000
            row[f"participant.{role}_daily"] = known[3]
        return row

    def item(self, item: dict[str, Any], head: dict[str, Any]) -> dict[str, Any]:
        """The fields of a goods item, beside those of its declaration."""
        row = dict(head)
        hs = item["hs_code"] if item["hs_code"].isdigit() else ""
        row |= {"item.item_no": item["item_no"], "item.hs_code": hs}
        row |= {f"item.hs{k}": hs[:k] if len(hs) >= k else "" for k in (2, 4, 6)}
        row |= {f"item.{name}": matched(item.get(name) or "") for name in ITEM_CODES}
        numbers = {name: NAN if item.get(name) is None else float(item[name]) for name in ITEM_NUMBERS}
        row |= {f"item.{name}": number for name, number in numbers.items()}
        row["item.description_length"] = len(item.get("description") or "")
        net, gross, quantity, packages, invoice, value, duty, vat = numbers.values()
        rate, age = self.rate(row["item.currency"], row["declaration.registered_at"])
        row |= {
            "item.value_per_kg": ratio(value, net),
            "item.value_per_unit": ratio(value, quantity),
            "item.kg_per_unit": ratio(net, quantity),
            "item.kg_per_package": ratio(gross, packages),
            "item.tare_share": (gross - net) / gross if gross > 0 else NAN,
            "item.duty_rate": duty / value if value > 0 else NAN,
            "item.invoice_ratio": ratio(value, invoice * rate),
            "item.value_share": ratio(value, row["declaration.customs_value"]),
        }
        base = value + (0.0 if math.isnan(duty) else duty)
        row["item.vat_rate"] = vat / base if base > 0 else NAN
        self.usual(row)
        declared = row["item.currency"] != ""
        row |= {
            "quality.net_not_positive": float(net <= 0),
            "quality.gross_not_positive": float(gross <= 0),
            "quality.net_over_gross": float(net > gross),
            "quality.value_not_positive": float(value <= 0 or invoice <= 0),
            "quality.quantity_not_positive": float(quantity <= 0),
            "quality.hs_malformed": float(not (hs and 6 <= len(hs) <= 10)),
            "quality.hs_unknown": self.strange(row["item.hs6"], "hs_nomenclature"),
            "quality.origin_unknown": self.strange(row["item.origin_country"], "countries"),
            "quality.currency_unknown": float(declared and age < 0),
            "quality.rate_missing": float(declared and age >= 0 and math.isnan(rate)),
            "quality.rate_stale": float(declared and age > 0 and not math.isnan(rate)),
        }
        return row

    def usual(self, row: dict[str, Any]) -> None:
        """How the item lies to the norms and shares."""
        month = datetime.fromtimestamp(row["declaration.registered_at"], UTC).month
        hs, origin, unit = row["item.hs_code"], row["item.origin_country"], row["item.unit"]
        for measure in MEASURES:
            per_unit = measure != "value_per_kg"
            key = (hs if unit or not per_unit else "", origin, unit if per_unit else "")
            found = back_off(self.cells[measure], *key)
            level, cell, factors = (NAN, None, [1.0] * 12) if found == -1 else found
            x = row[f"item.{measure}"]
            z, by_median, band, level, outlier = norms.score(cell, level, x, factors[month - 1])
            row |= {f"norm.{measure}_z": z, f"norm.{measure}_ratio": by_median, f"norm.{measure}_band": band}
            if not per_unit:
                row["norm.level"] = level
        row["quality.mass_outlier"] = float(outlier > 0)
        row["norm.origin_share"] = self.share("origin_of_hs6", row["item.hs6"], origin)
        row["norm.dispatch_share"] = self.share(
            "dispatch_of_origin", origin, row["declaration.dispatch_country"]
        )
        row["norm.importer_hs4_known"] = self.share(
            "hs4_of_importer", row["declaration.importer"], row["item.hs4"]
        )

    def share(self, kind: str, of: str, value: str) -> float:
        """How usual a pair is."""
        return self.shares.get((kind, of, value), 0.0) if value and (kind, of) in self.sharing else NAN

    def strange(self, text: str, name: str) -> float:
        """1.0 for a text that a list does not hold."""
        known = self.lists.get(name)
        return float(bool(known) and text != "" and not any(text in codes for codes in known.values()))

    def rate(self, currency: str, seconds: float) -> tuple[float, int]:
        """Exchange rate and its age in days; -1 for an unknown currency."""
        if currency not in self.rates:
            return NAN, -1
        days, rates = self.rates[currency]
        day = int(seconds // 86_400)
        place = bisect.bisect_right(days, day) - 1
        age = day - days[place] if place >= 0 else 8
        return (rates[place] if age <= 7 else NAN), age


ITEM_CODES = ("origin_country", "unit", "currency")
ITEM_NUMBERS = (
    "net_mass_kg", "gross_mass_kg", "quantity", "packages", "invoice_amount", "customs_value", "duty", "vat",
)  # fmt: skip
LAYOUT = dict.fromkeys(map(ord, "\t\n\r"))


@lru_cache(maxsize=1 << 16)
def matched(text: str) -> str:
    """The form by which a code is matched."""
    return skeleton(text)


def controls(text: str) -> bool:
    """Whether a text holds control characters."""
    return not text.isprintable() and any(c < " " or "\x7f" <= c < "\xa0" for c in text)


def cents(amount: float | None) -> int:
    """An amount in minor units."""
    return 0 if amount is None else round(amount * 100)


def _fits(row: Mapping[str, Any], fields: Mapping[str, Any]) -> bool:
    """Whether a row of thresholds or strata is for a declaration."""
    for name in ("direction", "office"):
        if name in row and row[name] != fields[f"declaration.{name}"]:
            return False
    if "hours" not in row:
        return True
    start, end = (int(str(hour).split(":", maxsplit=1)[0]) for hour in str(row["hours"]).split("-"))
    hour = fields["declaration.hour"]
    return start <= hour < end if start <= end else hour >= start or hour < end
