"""From codes to numbers: the tables by which a model's `code.*` and `rate.*` features are made."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import lookup
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.parquet import Columns


@dataclass(frozen=True)
class Encoding:
    """One feature: the field it is made of, a hash table of its codes, and float64[k + 1]: their values, then NaN.

    Features of the same codes of a field have one table, so that a code is looked up once for all of them.
    """

    field: str
    table: NDArray[np.int64]
    values: NDArray[np.float64]


@dataclass(frozen=True)
class Encodings:
    """Encodings by feature name."""

    features: dict[str, Encoding]

    @property
    def fields(self) -> dict[str, str]:
        """Feature -> the field that it is made of."""
        return {feature: encoding.field for feature, encoding in self.features.items()}

    @classmethod
    def empty(cls) -> "Encodings":
        """Make a table of no features."""
        return cls({})

    @classmethod
    def load(cls, path: Path) -> "Encodings":
        """Read encodings.parquet; raises RulebookError naming file, column or row."""
        columns = Columns(path, ("feature", "field", "text", "value"))
        feature, field = columns.texts("feature"), columns.texts("field")
        of_codes = np.isin(field, [name for name, found in FIELDS.items() if found.kind == "code"])
        of_parts = np.isin(field, [name for name, found in FIELDS.items() if found.kind == "hs"])
        columns.refuse(~(of_codes | of_parts), "field is none of the code and hs fields that rules may name")
        keys = np.where(of_parts, columns.tokens("text", hs=True), columns.tokens("text"))
        columns.refuse(keys == 0, "text is empty; leave the row out, missing codes are NaN")
        columns.refuse(feature == "", "feature is empty; give its name in the model")
        values = columns.numbers("value")
        tables: dict[tuple[str, bytes], NDArray[np.int64]] = {}
        return cls(
            {
                name: _encoding(columns, name, np.flatnonzero(feature == name), (field, keys, values), tables)
                for name in sorted(set(feature))
            }
        )

    def apply(self, feature: str, values: Any) -> NDArray[np.float64]:
        """float64[m]: the numbers of codes int64[m] (tokens, or hs_tokens); NaN for unseen ones."""
        encoding = self.features[feature]
        return encoding.values[lookup.probe(encoding.table, values)]


def _encoding(
    columns: Columns,
    feature: str,
    rows: NDArray[np.intp],
    whole: tuple[Any, Any, Any],
    tables: dict[tuple[str, bytes], NDArray[np.int64]],
) -> Encoding:
    """The encoding of a feature from its rows of the whole columns: field, key and value; its table goes to `tables`."""
    field, keys, values = (column[rows] for column in whole)
    if np.any(field != field[0]):
        other = int(rows[np.argmax(field != field[0])])
        raise columns.fail(other, f"feature {feature} is made of two fields; keep one")
    known = str(field[0]), keys.tobytes()
    if known not in tables:
        tables[known], repeated = lookup.build(keys)
        if repeated >= 0:
            raise columns.fail(
                int(rows[repeated]), f"a second value for the same text of {feature}; keep one"
            )
    return Encoding(known[0], tables[known], np.append(values, np.nan))
