"""The columns of every field in `rulebook.fields.FIELDS`, computed when somebody asks for them.

Rules, norms and models read the same columns, in the stream as in a study, so that a feature
cannot mean one thing when a model is fitted and another when it judges.
"""

from collections.abc import Callable, Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.errors import RulebookError
from corridor.history import History
from corridor.kernels import lookup, sampling
from corridor.kernels.norms import NormScore
from corridor.kernels.participants import ParticipantRows
from corridor.messages import quality
from corridor.messages.columns import DIRECTIONS, FUNCTIONS, NO_MONEY, Declarations
from corridor.messages.tokens import token
from corridor.rulebook.book import PARTS, Rulebook
from corridor.rulebook.encodings import Encoding
from corridor.rulebook.fields import FIELDS

Array = NDArray[Any]

HOUR_US: Final = 3_600_000_000
DAY_US: Final = 24 * HOUR_US
_POWERS: Final = 10 ** np.arange(16, dtype=np.int64)
_DIRECTION_TOKENS: Final = np.array([token(name) for name in DIRECTIONS], np.int64)
_FUNCTION_TOKENS: Final = np.array([token(name) for name in FUNCTIONS], np.int64)


def money(amounts: Array) -> Array:
    """float64 of amounts in minor units, in whole units; NaN where none was declared."""
    return np.where(amounts == NO_MONEY, np.nan, amounts / 100.0)


def stated(amounts: Array) -> Array:
    """int64 of amounts in minor units for sums: 0 where none was declared."""
    return np.where(amounts == NO_MONEY, 0, amounts)


def positive(x: Array) -> Array:
    """X where it is above zero, else NaN: zero and negative figures are flagged, not measured."""
    return np.where(x > 0, x, np.nan)


def hs_part(codes: Array, digits: int) -> Array:
    """int64: hs_token of the first `digits` digits; 0 where a code is malformed or shorter."""
    length = codes & 15
    usable = (codes > 0) & (length >= digits)
    shift = np.where(usable, length - digits, 0)
    return np.where(usable, (codes >> 4) // _POWERS[shift] * 16 + digits, 0)


def month_of_year(moments: Array) -> Array:
    """int8[n] of microseconds since 1970: the calendar month (UTC), 0 for January to 11."""
    months: Array = moments.astype("M8[us]").astype("M8[M]").astype(np.int64) % 12
    return months.astype(np.int8)


def sums_by_declaration(batch: Declarations, per_item: Array) -> Array:
    """float64[n] or int64[n]: sums over each declaration's items."""
    if not len(batch):
        return per_item[:0]
    return np.asarray(np.add.reduceat(per_item, batch.offsets[:-1]))


class Columns:
    """The fields of one batch under one rulebook: `number(name)` and `code(name)`, m rows each.

    Fields of the declaration are repeated for each of its items. A column is computed once.
    """

    def __init__(self, batch: Declarations, history: History, rulebook: Rulebook) -> None:
        self.batch, self.history, self.rulebook = batch, history, rulebook
        self.declaration = batch.declaration_of_item()
        self.head_quality = batch.heads["quality"].copy()
        self.item_quality = batch.items["quality"].copy()
        self.model_probability = np.full(len(batch.items), np.nan)
        self._cache: dict[str, Array] = {}
        self._norms: dict[str, NormScore] = {}
        self._participants: dict[str, ParticipantRows] = {}
        self._rates: tuple[Array, Array] | None = None
        self._month: Array | None = None
        self._draw: Array | None = None
        self.features: Array | None = None
        self.assessed = False

    def under(self, rulebook: Rulebook) -> "Columns":
        """The same declarations under another rulebook; what rests on no part that differs is taken over."""
        other, mine = Columns(self.batch, self.history, rulebook), self.rulebook
        same = {part for part in PARTS if getattr(mine, part) is getattr(rulebook, part)}
        other._cache = {name: column for name, column in self._cache.items() if _needs(name) <= same}
        if "norms" in same:
            other._norms = dict(self._norms)
        if "participants" in same:
            other._participants = dict(self._participants)
        if "rates" in same:
            other._rates = self._rates
        if mine.sampling_key == rulebook.sampling_key:
            other._draw = self._draw
        if self.assessed and same >= _OF_QUALITY:
            other.head_quality, other.item_quality = self.head_quality, self.item_quality
            other.assessed = True
        if same == PARTS:
            other.features, other.model_probability = self.features, self.model_probability
        return other

    def take(self, rows: Array) -> "Columns":
        """Some of the declarations, nothing computed yet."""
        return Columns(self.batch.take(rows), self.history.take(rows), self.rulebook)

    def draw(self) -> Array:
        """float64[n]: the draw of each declaration for the random control group."""
        if self._draw is None:
            batch = self.batch
            lengths = batch.heads["id_length"].astype(np.int64)
            self._draw = sampling.draw(batch.text, batch.text_starts, lengths, self.rulebook.sampling_key)
        return self._draw

    def number(self, name: str) -> Array:
        """float64[m] of a number or flag field; NaN where it is unknown.

        Raises:
            RulebookError: there is no such field.

        """
        if name not in self._cache:
            self._cache[name] = np.ascontiguousarray(self._computed(name), np.float64)
        return self._cache[name]

    def code(self, name: str) -> Array:
        """int64[m], tokens of a code field or hs_tokens of an hs field; 0 where it is unknown."""
        if name not in self._cache:
            self._cache[name] = np.ascontiguousarray(self._computed(name), np.int64)
        return self._cache[name]

    def matrix(self, names: Sequence[str]) -> Array:
        """float64[m, len(names)], Fortran order: the features of a model, encodings included."""
        encodings = self.rulebook.encodings.features
        columns = np.empty((len(names), len(self.batch.items)))
        places: dict[int, Array] = {}
        for j, name in enumerate(names):
            if name not in encodings:
                columns[j] = self.number(name)
                continue
            encoding = encodings[name]
            key = id(encoding.table)
            if key not in places:
                places[key] = self._places(encoding)
            # -1, an unseen code, wraps round to the NaN at the end
            np.take(encoding.values, places[key], out=columns[j], mode="wrap")
        return columns.T

    def _places(self, encoding: Encoding) -> Array:
        """int64[m]: where the table of an encoding has each item's code, -1 for unseen ones."""
        codes = self.code(encoding.field)
        if not encoding.field.startswith("declaration."):
            return lookup.probe(encoding.table, codes)
        return self.head(lookup.probe(encoding.table, codes[self.batch.offsets[:-1]]))

    def head(self, values: Array) -> Array:
        """Values of declarations repeated for their items."""
        repeated: Array = values[self.declaration]
        return repeated

    def participants(self, role: str) -> ParticipantRows:
        """What the rulebook knows of each declaration's importer, declarant or exporter, n rows."""
        if role not in self._participants:
            known = self.rulebook.participants.lookup(role, np.ascontiguousarray(self.batch.heads[role]))
            self._participants[role] = known
        return self._participants[role]

    def norm(self, measure: str) -> NormScore:
        """The score of a measure against its norm cell, m rows."""
        if measure not in self._norms:
            self._norms[measure] = self.rulebook.norms.score(
                measure,
                self.code("item.hs_code"),
                self.code("item.origin_country"),
                self.code("item.unit"),
                self.number(f"item.{measure}"),
                self.month(),
            )
        return self._norms[measure]

    def month(self) -> Array:
        """int8[m]: the calendar month (UTC) of registration, 0 to 11; empty where no norm turns with it."""
        if self._month is None:
            self._month = np.empty(0, np.int8)
            if self.rulebook.norms.seasonal:
                self._month = self.head(month_of_year(self.batch.heads["registered_at"]))
        return self._month

    def rates(self) -> tuple[Array, Array]:
        """Exchange rate and its age in days for each item; -1 for an unknown currency."""
        if self._rates is None:
            registered = self.head(self.batch.heads["registered_at"])
            self._rates = self.rulebook.rates.rate(self.code("item.currency"), registered)
        return self._rates

    def _computed(self, name: str) -> Array:
        if name not in FIELDS:
            raise RulebookError(f"there is no field {name!r}; `corridor rulebook check` lists the fields")
        source, _, short = name.partition(".")
        return _SOURCES[source](self, short)


_OF_QUALITY: Final = frozenset({"lists", "rates", "norms"})
_OF_SHARES: Final = ("norm.origin_share", "norm.dispatch_share", "norm.importer_hs4_known")


def _needs(field: str) -> frozenset[str]:
    """The parts of a rulebook on which a field rests."""
    source = field.partition(".")[0]
    if source == "norm":
        return frozenset({"shares" if field in _OF_SHARES else "norms"})
    if source == "quality":
        return _OF_QUALITY
    if source == "participant":
        return frozenset({"participants"})
    if source == "model":
        return PARTS
    return frozenset({"rates"} if field == "item.invoice_ratio" else ())


def _ratio(a: Array, b: Array) -> Array:
    with np.errstate(divide="ignore", invalid="ignore"):
        return positive(a) / positive(b)


def _declaration(columns: Columns, name: str) -> Array:
    heads = columns.batch.heads
    registered = heads["registered_at"]
    if name in ("customs_value", "payments", "net_mass_kg"):
        return columns.head(_total(columns.batch, name))
    values: Array
    if name == "registered_at":
        values = registered / 1e6
    elif name == "hour":
        values = registered // HOUR_US % 24
    elif name == "weekday":  # 1970-01-01 was a Thursday
        values = (registered // DAY_US + 3) % 7 + 1
    elif name == "direction":
        values = _DIRECTION_TOKENS[heads["direction"]]
    elif name == "function":
        values = _FUNCTION_TOKENS[heads["function"]]
    else:
        values = heads[name]
    return columns.head(values)


def _total(batch: Declarations, name: str) -> Array:
    """float64[n]; amounts and masses that are not positive are out of the totals."""
    if name == "net_mass_kg":
        return sums_by_declaration(batch, np.nan_to_num(np.fmax(batch.items["net_mass_kg"], 0.0), posinf=0.0))
    return total_minor(batch, name) / 100.0


def total_minor(batch: Declarations, name: str) -> Array:
    """int64[n], minor units: the declaration's `customs_value` or `payments` (duty and VAT)."""
    return sums_by_declaration(batch, items_minor(batch, name))


def items_minor(batch: Declarations, name: str) -> Array:
    """int64[m], minor units: each item's `customs_value` or `payments` (duty and VAT), 0 where that is negative."""
    fields = ("duty", "vat") if name == "payments" else (name,)
    per_item = sum((np.maximum(stated(batch.items[field]), 0) for field in fields), np.int64(0))
    return np.asarray(per_item, np.int64)


def _item(columns: Columns, name: str) -> Array:
    items = columns.batch.items
    if name in ("customs_value", "duty", "vat"):
        return money(items[name])
    if name in ("hs2", "hs4", "hs6"):
        return hs_part(items["hs_code"], int(name[2]))
    if name in _ITEM_DERIVED:
        return _ITEM_DERIVED[name](columns)
    values: Array = items[name]
    return values


def _number(name: str) -> Callable[[Columns], Array]:
    return lambda columns: columns.number(name)


def _tare_share(columns: Columns) -> Array:
    gross, net = columns.number("item.gross_mass_kg"), columns.number("item.net_mass_kg")
    return (gross - net) / positive(gross)


def _vat_rate(columns: Columns) -> Array:
    base = columns.number("item.customs_value") + np.nan_to_num(columns.number("item.duty"))
    return columns.number("item.vat") / positive(base)


def _invoice_ratio(columns: Columns) -> Array:
    rate, _ = columns.rates()
    return _ratio(columns.number("item.customs_value"), columns.number("item.invoice_amount") * rate)


_ITEM_DERIVED: Final[dict[str, Callable[[Columns], Array]]] = {
    "value_per_kg": lambda c: _ratio(c.number("item.customs_value"), c.number("item.net_mass_kg")),
    "value_per_unit": lambda c: _ratio(c.number("item.customs_value"), c.number("item.quantity")),
    "kg_per_unit": lambda c: _ratio(c.number("item.net_mass_kg"), c.number("item.quantity")),
    "kg_per_package": lambda c: _ratio(c.number("item.gross_mass_kg"), c.number("item.packages")),
    "tare_share": _tare_share,
    "duty_rate": lambda c: c.number("item.duty") / positive(c.number("item.customs_value")),
    "vat_rate": _vat_rate,
    "invoice_ratio": _invoice_ratio,
    "value_share": lambda c: _ratio(c.number("item.customs_value"), c.number("declaration.customs_value")),
}


def _norm(columns: Columns, name: str) -> Array:
    shares, code = columns.rulebook.shares, columns.code
    if name == "origin_share":
        return shares.lookup("origin_of_hs6", code("item.hs6"), code("item.origin_country"))
    if name == "dispatch_share":
        origin, dispatch = code("item.origin_country"), code("declaration.dispatch_country")
        return shares.lookup("dispatch_of_origin", origin, dispatch)
    if name == "importer_hs4_known":
        return shares.lookup("hs4_of_importer", code("declaration.importer"), code("item.hs4"))
    if name == "level":
        return columns.norm("value_per_kg").level
    measure, _, what = name.rpartition("_")
    values: Array = getattr(columns.norm(measure), what)
    return values


def _history(columns: Columns, name: str) -> Array:
    history = columns.history
    if name not in history.names:
        return np.full(len(columns.batch.items), np.nan)
    values = history.values[history.names.index(name)].astype(np.float64)
    if name.endswith("_value"):
        values /= 100.0
    party = columns.batch.heads[name.split("_", maxsplit=1)[0]]
    return columns.head(np.where(history.late | (party == 0), np.nan, values))


def _participant(columns: Columns, name: str) -> Array:
    role, _, what = name.partition("_")
    rows = columns.participants(role)
    if what == "age_days":
        age = (columns.batch.heads["registered_at"] - rows.first_seen) / DAY_US
        return columns.head(np.where(rows.known, age, np.nan))
    if what != "known":
        return columns.head(np.where(rows.known, getattr(rows, what), np.nan))
    unfitted = not len(columns.rulebook.participants)  # no table, so nobody is known or unknown
    return columns.head(np.where(unfitted, np.nan, rows.known))


def _quality(columns: Columns, name: str) -> Array:
    if name in quality.HEAD_BITS:
        told: Array = columns.head(columns.head_quality & quality.HEAD_BITS[name]) != 0
        return told
    bits: Array = columns.item_quality & quality.ITEM_BITS[name] != 0
    return bits


def _model(columns: Columns, name: str) -> Array:
    del name  # there is one field, `model.probability`, set by judge before rules run
    return columns.model_probability


_SOURCES: Final[dict[str, Callable[[Columns, str], Array]]] = {
    "declaration": _declaration,
    "item": _item,
    "norm": _norm,
    "history": _history,
    "participant": _participant,
    "quality": _quality,
    "model": _model,
}


def matrix(batch: Declarations, history: History, rulebook: Rulebook, names: Sequence[str]) -> Array:
    """float64[m, len(names)]: the features of a model, for fitting; the same that `judge` reads."""
    columns = Columns(batch, history, rulebook)
    assess_quality(columns)
    return columns.matrix(names)


def assess_quality(columns: Columns) -> None:
    """Complete the quality bits with what needs the rulebook or the stream; unless they were taken over from others."""
    if columns.assessed:
        return
    columns.assessed = True
    batch, lists, history = columns.batch, columns.rulebook.lists, columns.history
    heads, head, item = batch.heads, quality.HEAD_BITS, quality.ITEM_BITS

    def mark(bits: Array, bit: int, where: Array) -> None:
        bits[where] |= np.uint32(bit)

    def stranger(values: Array, name: str, moments: Array) -> Array:
        if name not in lists or not len(lists[name]):
            return np.zeros(len(values), np.bool_)
        strange: Array = ~lists[name].holds(values, moments) & (values != 0)
        return strange

    seconds, of_items = heads["registered_at"] / 1e6, columns.number("declaration.registered_at")

    mark(columns.head_quality, head["office_unknown"], stranger(heads["office"], "offices", seconds))
    mark(
        columns.head_quality,
        head["dispatch_unknown"],
        stranger(heads["dispatch_country"], "countries", seconds),
    )
    later = heads["function"] > 0
    mark(columns.head_quality, head["amendment_first"], later & (history.previous_version == 0))
    other = (history.original_declarant != 0) & (history.original_declarant != heads["declarant"])
    mark(columns.head_quality, head["other_declarant"], later & other)
    mark(columns.head_quality, head["late"], history.late)

    bits = columns.item_quality
    mark(bits, item["hs_unknown"], stranger(columns.code("item.hs6"), "hs_nomenclature", of_items))
    mark(bits, item["origin_unknown"], stranger(batch.items["origin_country"], "countries", of_items))
    if len(columns.rulebook.rates):
        rate, age = columns.rates()
        declared = batch.items["currency"] != 0
        mark(bits, item["currency_unknown"], declared & (age < 0))
        mark(bits, item["rate_missing"], declared & (age >= 0) & np.isnan(rate))
        mark(bits, item["rate_stale"], declared & (age > 0) & ~np.isnan(rate))
    mark(bits, item["mass_outlier"], columns.norm("kg_per_unit").outlier > 0)
