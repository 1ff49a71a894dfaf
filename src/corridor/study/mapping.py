"""Mappings of `corridor convert`: an administration's columns to declaration.v1 and result.v1, as YAML.

Each field names one source (column, columns, constant, expression, count) and rules for its value;
`mappings/korea.yaml` is the example. A mapping is checked whole before the first row is read.
"""

import difflib
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Any, Final

from corridor.errors import InputError
from corridor.study.formula import Formula

HEAD_TYPES: Final = {
    "declaration_id": "text", "version": "integer", "function": "text", "registered_at": "time",
    "office": "text", "direction": "text", "procedure": "text", "transport_mode": "integer",
    "declarant": "text", "importer": "text", "exporter": "text", "dispatch_country": "text",
    "delivery_terms": "text",
}  # fmt: skip
ITEM_TYPES: Final = {
    "item_no": "integer", "hs_code": "text", "description": "text", "origin_country": "text",
    "net_mass_kg": "number", "gross_mass_kg": "number", "quantity": "number", "unit": "text",
    "packages": "number", "invoice_amount": "number", "currency": "text", "customs_value": "money",
    "duty": "money", "vat": "money", "trace_id": "text",
}  # fmt: skip
RESULT_TYPES: Final = {"at": "time", "recovered": "money"}
REQUIRED: Final = {
    "declaration": tuple(HEAD_TYPES)[:10],
    "items": ("item_no", "hs_code", "customs_value"),
    "results": ("at",),
}
FINDINGS: Final = ("none", "violation", "critical")
_SOURCES: Final = ("column", "columns", "constant", "expression", "count")
_RULES: Final = {
    "text": {"separator", "strip", "first", "last", "pad", "upper", "codes", "other", "default"},
    "integer": {"first", "last", "codes", "other", "default"},
    "number": {"decimals", "default"},
    "money": {"decimals", "default"},
    "time": {"separator", "format", "offset", "spread", "time"},
}


@dataclass(frozen=True)
class Field:
    """One target field: `name`, its type, its source and the rules for its value."""

    name: str
    type: str
    source: str
    value: Any
    rules: dict[str, Any]
    required: bool
    formula: Formula | None

    def columns(self) -> list[str]:
        """The input columns that it reads."""
        spread = self.rules.get("spread") or {}
        extra = [spread["by"]] if "by" in spread else []
        if self.formula:
            return self.formula.columns
        own: list[str] = {"column": [self.value], "columns": self.value}.get(self.source, [])
        return own + extra


@dataclass(frozen=True)
class Case:
    """A finding for rows whose columns hold these texts."""

    when: dict[str, str]
    then: str


@dataclass(frozen=True)
class Mapping:
    """A checked mapping; `results` fields are empty when there are no labels."""

    name: str
    encoding: str
    delimiter: str
    decimal: str
    thousands: str
    missing: frozenset[str]
    by_item: bool
    head: list[Field]
    items: list[Field]
    results: list[Field]
    cases: list[Case]

    def columns(self) -> list[str]:
        """Every input column that some field reads, once."""
        fields = (*self.head, *self.items, *self.results)
        names = [name for field in fields for name in field.columns()]
        return list(dict.fromkeys(names + [name for case in self.cases for name in case.when]))


def shipped() -> list[str]:
    """Names of the mappings that come with the package."""
    folder = resources.files("corridor.study").joinpath("mappings")
    return sorted(
        entry.name.removesuffix(".yaml") for entry in folder.iterdir() if entry.name.endswith(".yaml")
    )


def load(name: str) -> Mapping:
    """Load a mapping by its file or the name of a shipped one. Raises InputError with what to mend."""
    from ruamel.yaml import YAML  # noqa: PLC0415  # slow to import
    from ruamel.yaml.error import YAMLError  # noqa: PLC0415

    if Path(name).is_file():
        try:
            text = Path(name).read_text("utf-8-sig")
        except UnicodeDecodeError:
            raise InputError(f"{name}: is not UTF-8; give a mapping as YAML in UTF-8") from None
    elif name in shipped():
        text = resources.files("corridor.study").joinpath("mappings", f"{name}.yaml").read_text("utf-8")
    else:
        raise InputError(
            f"mapping {name!r} is neither a file nor a shipped mapping; shipped are: {', '.join(shipped())}"
        )
    try:
        return _checked(name, YAML(typ="safe", pure=True).load(text))
    except (YAMLError, RecursionError) as error:
        raise InputError(f"mapping {name}: not YAML: {' '.join(str(error).split())}") from None
    except InputError as error:
        raise InputError(f"mapping {name}: {error}") from None


def _checked(name: str, tree: Any) -> Mapping:
    keys = {"about", "input", "one_row_is", "declaration", "items", "results"}
    _known(tree, keys, "the mapping")
    form = tree.get("input") or {}
    _known(form, {"encoding", "delimiter", "decimal", "thousands", "missing"}, "input")
    kind = tree.get("one_row_is", "declaration")
    if kind not in ("declaration", "item"):
        raise InputError(f"one_row_is must be declaration or item, not {kind!r}")
    results = dict(tree.get("results") or {})
    cases = [_case(case, k) for k, case in enumerate(results.pop("finding", None) or [])]
    if bool(results) != bool(cases):
        raise InputError("results needs both `at` and `finding`")
    missing = form.get("missing", [""])
    if not isinstance(missing, list) or not all(isinstance(mark, str) for mark in missing):
        raise InputError("input.missing must be a list of texts: put the marks in quotes")
    return Mapping(
        Path(name).stem,
        _encoding(form),
        str(form.get("delimiter", ",")),
        str(form.get("decimal", ".")),
        str(form.get("thousands", "")),
        frozenset(missing),
        kind == "item",
        _fields(tree.get("declaration"), HEAD_TYPES, "declaration"),
        _fields(tree.get("items"), ITEM_TYPES, "items"),
        _fields(results, RESULT_TYPES, "results") if cases else [],
        cases,
    )


def _encoding(form: dict[str, Any]) -> str:
    name = str(form.get("encoding", "utf-8"))
    try:
        b"".decode(name)
    except LookupError:
        raise InputError(
            f"input.encoding: {name!r} is no text encoding known here; utf-8, cp949 or windows-1251, for example"
        ) from None
    return name


def _known(node: Any, keys: set[str], where: str) -> None:
    if not isinstance(node, dict):
        raise InputError(f"{where} must be a table of names and values")
    for key in node:
        if key not in keys:
            near = difflib.get_close_matches(str(key), keys, 1)
            hint = f"did you mean {near[0]!r}?" if near else f"known are: {', '.join(sorted(keys))}"
            raise InputError(f"{where}: unknown key {key!r}; {hint}")


def _fields(node: Any, types: dict[str, str], where: str) -> list[Field]:
    _known(node, set(types), where)
    for name in REQUIRED[where]:
        if name not in node:
            raise InputError(f"{where}: {name} is missing; give it a column, a constant or an expression")
    return [_field(name, node[name], types[name], where) for name in types if name in node]


def _field(name: str, node: Any, kind: str, where: str) -> Field:
    place = f"{where}.{name}"
    _known(node, {*_SOURCES, *_RULES[kind]}, place)
    sources = [source for source in _SOURCES if source in node]
    if len(sources) != 1:
        raise InputError(f"{place}: give exactly one of {', '.join(_SOURCES)}")
    source, value = sources[0], node[sources[0]]
    if (source == "column" and not isinstance(value, str)) or (
        source == "columns" and not isinstance(value, list)
    ):
        raise InputError(
            f"{place}: {source} must be {'a name' if source == 'column' else 'a list of names'}, in quotes"
        )
    if source == "expression" and kind not in ("number", "money"):
        raise InputError(f"{place}: an expression gives a number; use column here")
    if kind == "time" and source != "constant" and not {"format", "offset"} <= node.keys():
        raise InputError(f'{place}: give format (such as "%d.%m.%Y %H:%M") and offset (such as "+03:00")')
    rules = {key: rule for key, rule in node.items() if key not in _SOURCES}
    codes = rules.get("codes")
    if codes is not None and not all(isinstance(key, str) for key in codes):
        raise InputError(f"{place}: put the codes in quotes, so that 01 stays 01")
    formula = Formula(str(value)) if source == "expression" else None
    return Field(name, kind, source, value, rules, name in REQUIRED[where], formula)


def _case(node: Any, index: int) -> Case:
    place = f"results.finding[{index}]"
    _known(node, {"when", "then"}, place)
    when, then = node.get("when"), node.get("then")
    if not isinstance(when, dict) or not all(isinstance(text, str) for text in when.values()):
        raise InputError(f'{place}: when must name columns and their texts in quotes, such as {{Fraud: "1"}}')
    if then not in FINDINGS:
        raise InputError(f"{place}: then must be one of {', '.join(FINDINGS)}, not {then!r}")
    return Case(when, then)
