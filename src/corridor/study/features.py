"""What a model may look at, and to which reason group each feature belongs."""

from collections.abc import Iterable
from typing import Final

from corridor.rulebook.fields import FIELDS
from corridor.study.encode import CODES, RATES

_GROUPS: Final = {
    "valuation": (
        "item.customs_value",
        "item.invoice_amount",
        "item.value_per_kg",
        "item.value_per_unit",
        "item.invoice_ratio",
        "item.value_share",
        "declaration.customs_value",
        "declaration.payments",
        "norm.value_per_kg_z",
        "norm.value_per_kg_ratio",
        "norm.value_per_kg_band",
        "norm.value_per_unit_z",
        "norm.value_per_unit_ratio",
        "code.currency",
        "code.delivery_terms",
    ),
    "weight": (
        "item.net_mass_kg",
        "item.gross_mass_kg",
        "item.quantity",
        "item.packages",
        "item.kg_per_unit",
        "item.kg_per_package",
        "item.tare_share",
        "declaration.net_mass_kg",
        "norm.kg_per_unit_z",
        "norm.kg_per_unit_ratio",
    ),
    "origin": (
        "norm.origin_share",
        "norm.dispatch_share",
        "code.origin_country",
        "code.dispatch_country",
        "rate.origin_country",
    ),
    "classification": (
        "item.duty",
        "item.duty_rate",
        "item.vat_rate",
        "item.description_length",
        "code.hs_code",
        "code.hs6",
        "code.hs4",
        "code.hs2",
        "code.unit",
        "rate.hs_code",
        "rate.hs6",
        "rate.hs4",
    ),
    "participant": (
        "code.importer",
        "code.declarant",
        "code.exporter",
        "rate.importer",
        "rate.declarant",
        "rate.exporter",
    ),
    "procedure": (
        "declaration.weekday",
        "declaration.transport_mode",
        "declaration.item_count",
        "code.office",
        "code.direction",
        "code.procedure",
        "rate.office",
    ),
    "data_quality": (
        "quality.net_over_gross",
        "quality.hs_malformed",
        "quality.hs_unknown",
        "quality.origin_unknown",
        "quality.mass_outlier",
    ),
}
"""Not among them: what the history itself says of its parties (`participant.*`, `importer_hs4_known`): every
importer of the history is known there, so a model could not learn what a new one means. Rules can."""


def group_of(name: str) -> str:
    """The reason group of a field as rules name it; procedure for what is in no other."""
    if name.startswith("history."):
        return "history"
    if name.startswith("quality."):
        return "data_quality"
    own, coded = name, f"code.{name.partition('.')[2]}"
    found = (group for group, names in _GROUPS.items() if own in names or coded in names)
    return next(found, "procedure")


def candidates(views: Iterable[tuple[str, str]]) -> dict[str, str]:
    """Feature -> group, in a fixed order, with the histories that the rulebook asks for."""
    found = {name: group for group, names in _GROUPS.items() for name in names}
    for party, bucket in views:
        found |= {f"history.{party}_{bucket}_{what}": "history" for what in ("count", "value")}
    strange = [name for name in found if name not in FIELDS and name not in CODES and name not in RATES]
    assert not strange, strange
    return found
