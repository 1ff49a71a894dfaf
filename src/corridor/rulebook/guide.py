"""What is written down of the language of rules, made from the tables that rules are checked by.

`python -m corridor.rulebook.guide .` renews docs/rules.md, the reference for officers, and
schemas/rules.v1.schema.json, by which editors complete and check rules.yaml; a test says when one is stale.
"""

import json
import sys
from collections.abc import Iterator
from itertools import product
from pathlib import Path
from typing import Any, Final

from corridor.errors import ExpressionError
from corridor.messages.columns import CORRIDORS, DIRECTIONS
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.groups import GROUPS, RESPONSES
from corridor.rulebook.language import MAX_CHARACTERS, MAX_DEPTH, MAX_NODES, parse
from corridor.rulebook.lists import ALWAYS, FOREVER, MAX_ENTRIES, CodeList
from corridor.rulebook.program import constant_truth
from corridor.rulebook.rules import MAX_RULES, MAX_WEIGHT, SEVERITIES, STAGES
from corridor.rulebook.semantics import Checker
from corridor.rulebook.snoozes import MAX_DAYS, SUBJECTS

OF_RULES: Final = tuple(group for group in GROUPS if group not in ("random", "model"))
KEYS: Final[dict[str, tuple[str, str]]] = {
    "id": ("required", "Unique in the rulebook. Restricted: no open output holds it"),
    "group": ("required", "What a decision tells of the reason, in place of the rule"),
    "title": ("required", "One line for officers"),
    "when": ("required", "The condition, over one goods item and its declaration"),
    "response": ("required", "What a hit does, see below"),
    "valid_from": ("required", "The first day or moment; 2026-01-31 or 2026-01-31T08:00:00Z"),
    "owner": ("required", "The unit that answers for it"),
    "legal_basis": ("required", "What it rests on"),
    "valid_until": ("", "The last day, or the moment it ends; required for exempt"),
    "weight": (
        "with score",
        f"0 to {MAX_WEIGHT:g}: the probability of a finding that a hit alone would mean",
    ),
    "corridor": ("with at_least", "The corridor that a hit demands at least"),
    "severity": ("with notify", "How urgently the monitoring centre is told"),
    "scope": ("", "directions, offices, procedures: lists; the rule speaks of nothing else"),
    "may_be_snoozed": (
        "",
        "true or false: by default true with score and notify, false with at_least and document; never with exempt",
    ),
    "stage": ("", "active (default), or shadow: checked and kept, without effect"),
    "damage_estimate": ("", "What a violation of this kind costs, in national currency"),
    "description": ("", "As long as it needs to be"),
}
RESPONSE_TEXTS: Final = {
    "score": "adds its weight to the probability: p = 1 - (1 - p_model) x product of (1 - weight) over the hits",
    "at_least": "mandatory: the corridor is that, or a stricter one, whatever else is known",
    "notify": "tells the monitoring centre at once; the corridor stays as it is",
    "document": "asks for a document: yellow at least",
    "exempt": "takes the item out of what scores may demand; what is mandatory still holds",
}
CALL_TEXTS: Final = {
    "abs": ("abs(x)", "x without its sign"),
    "log": ("log(x)", "the natural logarithm; unknown where x is not positive"),
    "min": ("min(x, y, ...)", "the least; unknown if one is"),
    "max": ("max(x, y, ...)", "the greatest; unknown if one is"),
    "between": ("between(x, low, high)", "low <= x and x <= high"),
    "has": ("has(field)", "whether the field is known; itself never unknown"),
}
EXAMPLES: Final = (
    ("A price far below the norm of these goods", "norm.value_per_kg_z < -3.5"),
    (
        "The same, where no norm of a narrow cell is at hand it says nothing",
        "norm.level <= 1 and norm.value_per_kg_ratio < 0.2",
    ),
    ("Goods of a heading, by prefix", 'item.hs_code.startsWith("8517") and item.quantity > 10000'),
    ("Goods of several chapters or headings", 'item.hs_code in ["61", "62", "6403"]'),
    (
        "An origin that the dispatch contradicts",
        'declaration.dispatch_country == "CN" and item.origin_country not in ["CN", "HK"]',
    ),
    ("A list of the rulebook, whose entries may have an end", "item.origin_country in lists.embargo_origins"),
    (
        "An importer that is new, with much at stake",
        "not participant.importer_known and declaration.payments > 1e6",
    ),
    ("Many declarations within the hour", "history.importer_hour_count > 20"),
    (
        "A mass in round hundreds, net as gross",
        "item.net_mass_kg % 100 == 0 and item.gross_mass_kg == item.net_mass_kg",
    ),
    (
        "What is missing is said to be so: without has, an unknown value never hits",
        "not has(item.quantity) and item.customs_value > 500000",
    ),
)
"""Ten worked examples: what each finds, and its condition."""
MISTAKES: Final = (
    "item.net_mas_kg > 10",
    "item.hs_code == 8517",
    "item.quantity > 10 &",
    "item.net_mass_kg = 10",
    "item.net_mass_kg in lists.hs_bannd",
    "1 < item.quantity < 5",
    'history.importer_day_count > "5"',
)
"""Conditions that are refused; the reference shows with which words."""
_KINDS: Final = {"number": "number", "code": "code", "hs": "HS code", "flag": "true or false"}
_SOURCES: Final = {
    "declaration": "The declaration. Money in national currency, whole units; sums leave out what is not positive.",
    "item": "The goods item.",
    "norm": "The item against the norms of its goods (norms.parquet, shares.parquet).",
    "participant": "What the fitted history knows of the parties (participants.parquet).",
    "model": "The model's answer (model.txt).",
    "history": "What came before within the calendar hour, day or week (UTC) of registration; unknown for what came late.",
    "quality": "What is odd in the declaration itself.",
}
_LISTS: Final = {
    "embargo_origins": CodeList.of("embargo_origins", [("KP", ALWAYS, FOREVER)]),
    "hs_banned": CodeList.of("hs_banned", [("2524", ALWAYS, FOREVER)]),
}


_HEAD: Final = """\
<!-- Made by `make reference` from the tables that rules are checked by. -->
# The language of rules

A rule stands in `rules.yaml` of a rulebook. Its condition is looked at for each goods item of each declaration; where it
is true, the rule hits. A rule about a whole declaration adds `item.item_no == 1`, so that it counts once. Check rules with
`corridor rulebook check DIR`; editors check them by [rules.v1.schema.json](../schemas/rules.v1.schema.json).

```yaml
rules:
  - id: VAL-01
    group: valuation
    title: Value per kg far below the norm of these goods
    when: norm.value_per_kg_z < -3.5
    response: score
    weight: 0.3
    scope: {directions: [import]}
    valid_from: 2026-01-01
    owner: valuation-unit
    legal_basis: 'Customs Code, art. 313'
```
"""
_UNKNOWN: Final = """\
**Unknown values.** A number or code that is missing, and whatever is computed from it, is unknown. `false and unknown` is
false, `true or unknown` is true, everything else of it is unknown; a rule hits on true alone. So a missing mass never
makes `item.net_mass_kg < 10` hit, nor `not (item.net_mass_kg < 10)`: ask `has(item.net_mass_kg)`.
"""


_LISTS_TEXT: Final = f"""\
## Lists

`lists/NAME.csv` holds one code a line, in columns with a header: `code`, then any of `valid_from`, `valid_until` (first and
last day, UTC), `reason`, `owner`, `name`. An entry counts by the time of registration of what is judged, to the
microsecond, also where it begins or ends while the rulebook is in force. A code may stand several times for times that do
not overlap: an authorisation that was renewed. A list has at most {MAX_ENTRIES:,} entries.

Lists named `hs_...` hold HS codes of 2 to 10 digits and match by prefix. All others are matched by the same form on both
sides, in the list, in texts of conditions, in scopes, in snoozes and in the declaration: NFKC, without signs that cannot be
seen (zero-width, right-to-left marks), each letter that looks like a Latin one as that one (Unicode TS 39). Case, blanks and
punctuation count: declaration.v1 names parties by their numbers and holds no names. A declaration that matched only in
this form is flagged: `quality.look_alike`.

The lists `offices`, `countries` and `hs_nomenclature`, where they are there, decide what is flagged as unknown.
"""
_SNOOZES_TEXT: Final = f"""\
## Snoozes

`snoozes.csv` silences one rule for one subject and for a time; all its columns are needed:

```csv
rule,subject,code,valid_from,valid_until,reason,owner
VAL-06,importer,7712345678,2026-11-01,2026-12-15,"freight is in the price, case 17/26",valuation-unit
```

Subjects are {", ".join(f"`{subject}`" for subject in SUBJECTS)}. A snooze lasts at most {MAX_DAYS} days
and counts by the time of registration, as list entries do. Rules with `score` and `notify` may be snoozed unless they say
`may_be_snoozed: false`; what is mandatory (`at_least`, `document`) only where its rule says `may_be_snoozed: true`; an
exemption is ended by its own `valid_until`. A snoozed rule adds nothing to a probability, demands nothing and tells nothing;
`corridor rulebook explain` names it, with end, owner and reason. A rule in shadow is watched all the same.
"""


def truth_table() -> Iterator[tuple[str, ...]]:
    """Kleene's logic, as the rules have it: each cell is worked out by the program of a rule."""
    values = {"true": "1 < 2", "false": "2 < 1", "unknown": "0 / 0 < 1"}
    for a, b in product(values, repeat=2):
        left, right = values[a], values[b]
        forms = (
            f"not ({left})",
            f"({left}) and ({right})",
            f"({left}) or ({right})",
            f"({left}) == ({right})",
        )
        yield (a, b, *(_logical(form) for form in forms))


def _logical(condition: str) -> str:
    """What a condition without fields is: true, false or unknown."""
    if constant_truth(Checker({}).condition(parse(condition))):
        return "true"
    return "false" if constant_truth(Checker({}).condition(parse(f"not ({condition})"))) else "unknown"


def markdown() -> str:
    """The reference of the language, in Markdown."""
    return "\n".join(_lines()) + "\n"


def _lines() -> Iterator[str]:
    yield _HEAD
    yield from _table(("key", "", "meaning"), ((f"`{key}`", *told) for key, told in KEYS.items()))
    yield f"Groups: {', '.join(f'`{group}`' for group in OF_RULES)}. At most {MAX_RULES:,} rules."
    yield ""
    yield "## Responses"
    yield ""
    yield from _table(("response", "a hit"), ((f"`{name}`", text) for name, text in RESPONSE_TEXTS.items()))
    yield "## Conditions"
    yield ""
    yield "A subset of CEL, the Common Expression Language: no loops, no assignments, so a condition always ends. At most"
    yield f"{MAX_CHARACTERS:,} characters, {MAX_NODES:,} parts and {MAX_DEPTH} levels."
    yield ""
    yield from _table(
        ("written", "meaning"),
        (
            ("`and` `or` `not` (`&&` `\\|\\|` `!`)", "logic"),
            ("`==` `!=` `<` `<=` `>` `>=`", "comparisons; they do not chain, write `between`"),
            ("`+` `-` `*` `/` `%`", "arithmetic; division and remainder by zero are unknown"),
            (
                '`in ["CN", "HK"]`, `not in`',
                'a code in a list; an HS code by prefix: `item.hs_code in ["8517"]`',
            ),
            (
                "`in lists.NAME`",
                "a code in `lists/NAME.csv`, from `valid_from` to `valid_until`; HS codes in lists named `hs_...`",
            ),
            ('`item.hs_code.startsWith("8517")`', "an HS code by prefix"),
            *((f"`{form}`", text) for form, text in CALL_TEXTS.values()),
        ),
    )
    yield _UNKNOWN
    yield from _table(("a", "b", "not a", "a and b", "a or b", "a == b"), truth_table())
    yield _LISTS_TEXT
    yield _SNOOZES_TEXT
    yield "## Ten examples"
    yield ""
    yield from _table(("finds", "when"), ((text, f"`{_escaped(when)}`") for text, when in EXAMPLES))
    yield "## Mistakes, and what is said of them"
    yield ""
    yield from _table(
        ("condition", "answer"), ((f"`{_escaped(when)}`", _escaped(refusal(when))) for when in MISTAKES)
    )
    yield "## Fields"
    for source, text in _SOURCES.items():
        yield ""
        yield f"### {source}"
        yield ""
        yield text
        yield ""
        of = [field for field in FIELDS.values() if field.name.startswith(f"{source}.")]
        yield from _table(
            ("field", "type", "unit", "meaning"),
            ((f"`{field.name}`", _KINDS[field.kind], field.unit, field.meaning) for field in of),
        )


def refusal(condition: str) -> str:
    """What the checker says of a condition that is wrong."""
    try:
        accepted(condition)
    except ExpressionError as error:
        return str(error)
    raise AssertionError(f"{condition} is not refused")


def accepted(condition: str) -> None:
    """Check a condition as it would be in a rulebook with the reference's lists. Raises ExpressionError."""
    Checker(_LISTS).condition(parse(condition))


def _escaped(text: str) -> str:
    return text.replace("|", "\\|")


def _table(head: tuple[str, ...], rows: Any) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield "|" + "---|" * len(head)
    for row in rows:
        yield f"| {' | '.join(row)} |"
    yield ""


def json_schema() -> dict[str, Any]:
    """JSON Schema of rules.yaml, for editors. Conditions are checked by `corridor rulebook check` alone."""
    text = {"type": "string", "minLength": 1}
    day = {"type": "string", "pattern": r"^\d{4}-\d{2}-\d{2}(T.*)?$", "examples": ["2026-01-31"]}
    texts = {"oneOf": [text, {"type": "array", "minItems": 1, "items": text}]}
    forms: dict[str, Any] = {
        "id": text,
        "group": {"enum": list(OF_RULES)},
        "title": text,
        "when": {
            "type": ["string", "boolean"],
            "maxLength": MAX_CHARACTERS,
            "examples": [when for _, when in EXAMPLES],
        },
        "response": {"enum": list(RESPONSES)},
        "valid_from": day,
        "owner": text,
        "legal_basis": text,
        "valid_until": day,
        "weight": {"type": "number", "minimum": 0, "maximum": MAX_WEIGHT},
        "corridor": {"enum": list(CORRIDORS[1:])},
        "severity": {"enum": list(SEVERITIES)},
        "scope": {
            "type": "object",
            "additionalProperties": False,
            "properties": {
                "directions": {
                    "oneOf": [
                        {"enum": list(DIRECTIONS)},
                        {"type": "array", "minItems": 1, "items": {"enum": list(DIRECTIONS)}},
                    ]
                },
                "offices": texts,
                "procedures": texts,
            },
        },
        "may_be_snoozed": {"type": "boolean"},
        "stage": {"enum": list(STAGES)},
        "damage_estimate": {"type": "number", "minimum": 0},
        "description": {"type": "string"},
    }
    belongs = {"score": "weight", "at_least": "corridor", "notify": "severity", "exempt": "valid_until"}
    only = {key: response for response, key in belongs.items() if key != "valid_until"}
    needs = [
        {
            "if": {"properties": {"response": {"const": response}}, "required": ["response"]},
            "then": {"required": [key]},
        }
        for response, key in belongs.items()
    ]
    fits = [
        {"if": {"required": [key]}, "then": {"properties": {"response": {"const": response}}}}
        for key, response in only.items()
    ]
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "$id": "urn:corridor:rules.v1",
        "title": "Rules of a rulebook (restricted)",
        "description": "rules.yaml; the language of `when` is described in docs/rules.md",
        "type": "object",
        "required": ["rules"],
        "additionalProperties": False,
        "properties": {
            "rules": {
                "type": "array",
                "maxItems": MAX_RULES,
                "items": {
                    "type": "object",
                    "required": [key for key, (need, _) in KEYS.items() if need == "required"],
                    "additionalProperties": False,
                    "properties": {key: forms[key] | {"description": KEYS[key][1]} for key in KEYS},
                    "allOf": [*needs, *fits],
                },
            }
        },
    }


def write(root: Path) -> None:
    """Renew both files below the root of the project."""
    (root / "docs").mkdir(exist_ok=True)
    (root / "docs" / "rules.md").write_text(markdown(), encoding="utf-8")
    (root / "schemas" / "rules.v1.schema.json").write_text(
        json.dumps(json_schema(), indent=2) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    write(Path(sys.argv[1]))
