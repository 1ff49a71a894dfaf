"""Every field that rules and models may name, with its kind, level, unit and meaning.

The rule checker types expressions against this table, the model names its features from it, and
`features.py` computes its columns. One row for a field; nothing else lists them.
"""

from dataclasses import dataclass
from itertools import product
from typing import Final, Literal

from corridor.messages import quality

Kind = Literal["number", "code", "hs", "flag"]
"""number: float64, NaN = missing; code: token, 0 = missing; hs: hs_token; flag: 0.0 or 1.0."""
Level = Literal["declaration", "item"]

PARTIES: Final = ("importer", "declarant", "exporter")
BUCKETS: Final = ("hour", "day", "week")


@dataclass(frozen=True, slots=True)
class Field:
    """One field: `name` as rules write it, its kind and level, unit and meaning."""

    name: str
    kind: Kind
    level: Level
    unit: str
    meaning: str


_TABLE: Final = (
    # name, kind, level, unit, meaning
    ("declaration.registered_at", "number", "declaration", "s", "Seconds since 1970 of registration"),
    ("declaration.hour", "number", "declaration", "h", "Hour of the day of registration, 0-23, UTC"),
    ("declaration.weekday", "number", "declaration", "", "Day of the week of registration, 1 = Monday"),
    ("declaration.office", "code", "declaration", "", "Customs office"),
    ("declaration.direction", "code", "declaration", "", "import, export or transit"),
    ("declaration.function", "code", "declaration", "", "original, amendment or cancellation"),
    ("declaration.version", "number", "declaration", "", "1 for the original, + 1 an amendment"),
    ("declaration.procedure", "code", "declaration", "", "Requested procedure code"),
    ("declaration.transport_mode", "number", "declaration", "", "Mode of transport, UN/ECE Rec. 19"),
    ("declaration.declarant", "code", "declaration", "", "Declarant's number"),
    ("declaration.importer", "code", "declaration", "", "Importer's number"),
    ("declaration.exporter", "code", "declaration", "", "Exporter's number"),
    ("declaration.dispatch_country", "code", "declaration", "", "Country of dispatch, ISO 3166-1"),
    ("declaration.delivery_terms", "code", "declaration", "", "Incoterms code"),
    ("declaration.item_count", "number", "declaration", "", "Goods items in the declaration"),
    ("declaration.customs_value", "number", "declaration", "national currency", "Sum over its items"),
    ("declaration.payments", "number", "declaration", "national currency", "Duty and VAT over its items"),
    ("declaration.net_mass_kg", "number", "declaration", "kg", "Sum over its items"),
    ("item.item_no", "number", "item", "", "Number of the goods item"),
    ("item.hs_code", "hs", "item", "", "Commodity code as declared, 6 to 10 digits"),
    ("item.hs6", "hs", "item", "", "First six digits of the commodity code"),
    ("item.hs4", "hs", "item", "", "Heading: first four digits"),
    ("item.hs2", "hs", "item", "", "Chapter: first two digits"),
    ("item.origin_country", "code", "item", "", "Country of origin, ISO 3166-1"),
    ("item.unit", "code", "item", "", "Supplementary unit"),
    ("item.currency", "code", "item", "", "Invoice currency, ISO 4217"),
    ("item.net_mass_kg", "number", "item", "kg", "Net mass"),
    ("item.gross_mass_kg", "number", "item", "kg", "Gross mass"),
    ("item.quantity", "number", "item", "units", "Quantity in the supplementary unit"),
    ("item.packages", "number", "item", "", "Number of packages"),
    ("item.invoice_amount", "number", "item", "invoice currency", "Invoice amount"),
    ("item.customs_value", "number", "item", "national currency", "Customs value"),
    ("item.duty", "number", "item", "national currency", "Customs duty"),
    ("item.vat", "number", "item", "national currency", "Value-added tax"),
    ("item.description_length", "number", "item", "characters", "Length of the goods description"),
    ("item.value_per_kg", "number", "item", "national currency/kg", "Customs value by net mass"),
    ("item.value_per_unit", "number", "item", "national currency/unit", "Customs value by quantity"),
    ("item.kg_per_unit", "number", "item", "kg/unit", "Net mass by quantity"),
    ("item.kg_per_package", "number", "item", "kg", "Gross mass by packages"),
    ("item.tare_share", "number", "item", "", "(gross - net) / gross"),
    ("item.duty_rate", "number", "item", "", "Duty by customs value"),
    ("item.vat_rate", "number", "item", "", "VAT by customs value and duty"),
    ("item.invoice_ratio", "number", "item", "", "Customs value by invoice amount at the rulebook's rate"),
    ("item.value_share", "number", "item", "", "Share of the declaration's customs value"),
    ("norm.value_per_kg_z", "number", "item", "robust deviations", "ln(value per kg) against its norm cell"),
    ("norm.value_per_unit_z", "number", "item", "robust deviations", "ln(value per unit) against its cell"),
    ("norm.kg_per_unit_z", "number", "item", "robust deviations", "ln(kg per unit) against its cell"),
    ("norm.value_per_kg_ratio", "number", "item", "", "Value per kg by the median of its cell"),
    ("norm.value_per_unit_ratio", "number", "item", "", "Value per unit by the median of its cell"),
    ("norm.kg_per_unit_ratio", "number", "item", "", "Kg per unit by the median of its cell"),
    ("norm.value_per_kg_band", "number", "item", "", "0: < p1, 1: < p5, 2: inside, 3: > p95, 4: > p99"),
    ("norm.value_per_unit_band", "number", "item", "", "The same for the value per unit"),
    ("norm.kg_per_unit_band", "number", "item", "", "The same for kg per unit"),
    (
        "norm.level",
        "number",
        "item",
        "",
        "Cell of value per kg: 0 HS10 x origin, 1 HS6 x origin, 2 HS6, 3 HS4",
    ),
    ("norm.origin_share", "number", "item", "", "Share of this origin among imports of this HS6"),
    ("norm.dispatch_share", "number", "item", "", "Share of this dispatch among goods of this origin"),
    ("norm.importer_hs4_known", "flag", "item", "", "The importer brought goods of this heading before"),
    ("participant.importer_known", "flag", "declaration", "", "In the rulebook's table of participants"),
    ("participant.declarant_known", "flag", "declaration", "", "In the rulebook's table of participants"),
    ("participant.exporter_known", "flag", "declaration", "", "In the rulebook's table of participants"),
    ("participant.importer_declarations", "number", "declaration", "", "Declarations in the fitted history"),
    ("participant.importer_age_days", "number", "declaration", "d", "Days since first seen in the history"),
    ("participant.importer_daily", "number", "declaration", "1/d", "Its mean number of declarations a day"),
    ("model.probability", "number", "item", "", "The model's calibrated probability of a finding"),
)
_HISTORY: Final = tuple(
    (f"history.{party}_{bucket}_{what}", "number", "declaration", unit, f"{meaning} in this {bucket} so far")
    for (party, bucket), (what, unit, meaning) in product(
        product(PARTIES, BUCKETS),
        (
            ("count", "", "Declarations registered, this one included,"),
            ("value", "national currency", "Customs value registered, this one included,"),
        ),
    )
)
_QUALITY: Final = tuple(
    (f"quality.{name}", "flag", level, "", f"Data quality: {name.replace('_', ' ')}")
    for level, bits in (("declaration", quality.HEAD_BITS), ("item", quality.ITEM_BITS))
    for name in bits
)

FIELDS: Final[dict[str, Field]] = {
    row[0]: Field(*row)  # type: ignore[arg-type]  # literals widen to str in the tables above
    for row in (*_TABLE, *_HISTORY, *_QUALITY)
}
"""All fields by name."""

HISTORY_FIELDS: Final = tuple(row[0] for row in _HISTORY)
