"""YAML and problems with their places: what a person needs to mend a rulebook.

A YAML file becomes a tree of `Located` values by composing its nodes only: no tag constructs
anything, anchors and repeated keys are refused. `Entry` reads the keys of one mapping with their
types, and `Problems` collects everything that is wrong instead of stopping at the first.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from difflib import get_close_matches
from math import isfinite
from pathlib import Path
from typing import Any, Final

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from corridor.errors import RulebookError
from corridor.messages.skeleton import odd_letter
from corridor.rulebook.lists import end_of_day, microseconds

MAX_BYTES: Final = 8 << 20
_TAG: Final = "tag:yaml.org,2002:"
_DIRECTIVE: Final = re.compile("(?:^|[\r\n\x85\u2028\u2029\ufeff])(%)")


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong, and where: file, line and column (from 1, 0 = the file as a whole)."""

    file: str
    line: int
    column: int
    text: str

    def __str__(self) -> str:
        place = f"{self.file}:{self.line}:{self.column}" if self.line else self.file
        return f"{place}: {self.text}"


@dataclass(slots=True)
class Problems:
    """Everything found wrong in a rulebook folder."""

    found: list[Problem] = field(default_factory=list)

    def add(self, file: str, text: str, line: int = 0, column: int = 0) -> None:
        """Note a problem."""
        self.found.append(Problem(file, line, max(column, 1) if line else 0, text))

    def withhold(self, folder: Path) -> None:
        """As `refuse`, for ears that may not hear of rules: where, and which command says what."""
        if not self.found:
            return
        first, more = min(self.found, key=lambda p: (p.file, p.line)), len(self.found) - 1
        place = (
            f"{folder / first.file}:{first.line}:{first.column}" if first.line else f"{folder / first.file}"
        )
        rest = f"and {more} more: " if more else ""
        raise RulebookError(
            f"{place}: not fit to judge by ({rest}corridor rulebook check {folder} tells what is wrong)"
        )

    def refuse(self, folder: Path) -> None:
        """Raise RulebookError with the first problem and how many more there are."""
        if not self.found:
            return
        first, more = min(self.found, key=lambda p: (p.file, p.line)), len(self.found) - 1
        rest = f" (and {more} more: corridor rulebook check {folder})" if more else ""
        raise RulebookError(f"{folder / first.file}{str(first)[len(first.file) :]}{rest}")


@dataclass(frozen=True, slots=True)
class Located:
    """A YAML value with its place: a str, float, int, bool or None, a list, or a dict of Located."""

    value: Any
    line: int
    column: int
    style: str | None = None  # of a scalar: None plain, quotes, | literal, > folded
    lines: int = 1
    indent: int = 0  # of a literal block


def read_yaml(path: Path, file: str, problems: Problems) -> Located | None:
    """The document in `path` (called `file` in problems); None if it cannot be read."""
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            problems.add(
                file,
                f"{size:,} bytes; at most {MAX_BYTES:,}: keep codes in list files, or split the rulebook",
            )
            return None
        text = path.read_bytes().decode("utf-8-sig")
        if directive := _DIRECTIVE.search(text):  # %YAML 1.1 would make other things of the same words
            line = text.count("\n", 0, directive.start(1)) + 1
            problems.add(file, "directives (lines that begin with %) are not allowed; take it out", line, 1)
            return None
        node = YAML(typ="safe", pure=True).compose(text)
        if node is not None:
            return _located(node, set())
        problems.add(file, "the file is empty", 1, 1)
    except UnicodeDecodeError as error:
        problems.add(file, f"not UTF-8 at byte {error.start}; save it as UTF-8")
    except _RefusedError as error:
        problems.add(file, *error.args)
    except MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark else (1, 1)
        problems.add(file, f"no valid YAML: {error.problem or error.context}", line, column)
    except RecursionError:
        problems.add(file, "nested too deep", 1, 1)
    except (YAMLError, OSError, ValueError) as error:
        problems.add(file, f"cannot be read: {type(error).__name__}: {str(error).splitlines()[0]}")
    return None


class _RefusedError(Exception):
    """args: text, line, column."""


def _located(node: Any, seen: set[int]) -> Located:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if id(node) in seen or getattr(node, "anchor", None):
        raise _RefusedError("anchors and aliases are not allowed; write the value out", line, column)
    seen.add(id(node))
    if isinstance(node, SequenceNode) and node.tag == _TAG + "seq":
        return Located([_located(n, seen) for n in node.value], line, column)
    if isinstance(node, MappingNode) and node.tag == _TAG + "map":
        values: dict[str, Located] = {}
        for key, value in node.value:
            place = key.start_mark.line + 1, key.start_mark.column + 1
            if not isinstance(key, ScalarNode):
                raise _RefusedError("a key must be a word", *place)
            if key.value in values:
                raise _RefusedError(f"the key {key.value!r} stands twice", *place)
            values[key.value] = _located(value, seen)
        return Located(values, line, column)
    if isinstance(node, ScalarNode):
        lines = node.end_mark.line - node.start_mark.line + 1
        indent = _indent(node.start_mark) if node.style == "|" else 0
        return Located(_scalar(node, line, column), line, column, node.style, lines, indent)
    raise _RefusedError(f"the tag {node.tag} is not allowed", line, column)


def _indent(mark: Any) -> int:
    """How far the block that begins behind the mark is indented."""
    start = end = mark.buffer.find("\n", mark.pointer) + 1
    while mark.buffer[end : end + 1] in (" ", "\n") and end < len(mark.buffer):
        end += 1
        if mark.buffer[end - 1] == "\n":
            start = end
    return int(end - start)


def _scalar(node: ScalarNode, line: int, column: int) -> Any:
    text, kind = node.value, str(node.tag).removeprefix(_TAG)
    try:
        if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
            raise _RefusedError("half a sign (a lone surrogate); write the sign itself", line, column)
        if kind in ("str", "timestamp"):
            return text
        if kind == "int":
            number = int(text.replace("_", ""), 0 if text.lstrip("+-")[:2] in ("0x", "0o") else 10)
            if abs(number) >= 1 << 63:
                raise ValueError
            return number
        if kind == "float":
            return float(text.replace("_", "").replace(".inf", "inf").replace(".nan", "nan"))
    except ValueError:
        raise _RefusedError(f"{text[:60]!r} is no number that can be used", line, column) from None
    if kind == "bool":
        return text.lower() == "true"
    if kind == "null":
        return None
    raise _RefusedError(f"the tag {node.tag} is not allowed", line, column)


class Entry:
    """The keys of one mapping, read with their types; what is wrong goes to `problems`.

    A getter returns its default where the key is missing or wrong, so reading goes on.
    """

    def __init__(self, at: Located, file: str, problems: Problems, name: str) -> None:
        """`name` is what problems call the mapping (rule "V-01", a threshold)."""
        self.at, self.file, self.problems, self.name = at, file, problems, name
        self._asked: list[str] = []
        self.values: dict[str, Located] = {}
        if isinstance(at.value, dict):
            self.values = at.value
        else:
            self.fail(f"{name} must be a mapping with keys, not {_kind(at.value)}", at)

    def fail(self, text: str, at: Located | None = None) -> None:
        """Note a problem at a value (or at the mapping)."""
        place = at or self.at
        self.problems.add(self.file, text, place.line, place.column)

    def get(self, key: str, required: bool = False) -> Located | None:
        """The value of a key; null counts as missing."""
        self._asked.append(key)
        value = self.values.get(key)
        if value is not None and value.value is not None:
            return value
        if required and isinstance(self.at.value, dict):
            self.fail(f"{self.name}: {key} is missing")
        return None

    def text(self, key: str, required: bool = False) -> str:
        """A text, "" if missing."""
        found = self.get(key, required)
        if found is None:
            return ""
        if not isinstance(found.value, str):
            self.fail(f"{key} must be a text, not {_kind(found.value)}; put it in quotes", found)
            return ""
        if not found.value.strip():
            self.fail(f"{key} is empty", found)
        return found.value

    def number(self, key: str, low: float, high: float, required: bool = False) -> float | None:
        """A finite number from low to high."""
        found = self.get(key, required)
        if found is None:
            return None
        value = found.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            self.fail(f"{key} must be a number, not {_kind(value)}", found)
        elif not (isfinite(value) and low <= value <= high):
            self.fail(f"{key} is {value}; it must be from {low:g} to {high:g}", found)
        else:
            return float(value)
        return None

    def choice(self, key: str, among: Sequence[str], default: str = "", required: bool = False) -> str:
        """One of a few words."""
        found = self.get(key, required)
        if found is None:
            return default
        if found.value in among:
            return str(found.value)
        near = get_close_matches(str(found.value), among, 1) if isinstance(found.value, str) else []
        hint = f'did you mean "{near[0]}"?' if near else f"it must be one of {', '.join(among)}"
        odd = odd_letter(found.value) if isinstance(found.value, str) else ""
        hint += f"; {odd}" if odd else ""
        self.fail(f"{key} is {said(found.value)}; {hint}", found)
        return default

    def flag(self, key: str, default: bool) -> bool:
        """True or false."""
        found = self.get(key)
        if found is None:
            return default
        if not isinstance(found.value, bool):
            self.fail(f"{key} must be true or false, not {_kind(found.value)}", found)
            return default
        return found.value

    def texts(self, key: str) -> tuple[Located, ...]:
        """A list of texts with their places; one text alone counts as a list."""
        found = self.get(key)
        if found is None:
            return ()
        values = found.value if isinstance(found.value, list) else [found]
        for value in values:
            if not isinstance(value.value, str) or not value.value:
                self.fail(f"{key} holds {said(value.value)}; put codes in quotes", value)
        if not values:
            self.fail(f"{key} is an empty list; leave it out if everything is meant", found)
        return tuple(v for v in values if isinstance(v.value, str))

    def moment(self, key: str, last: bool = False, required: bool = False) -> int | None:
        """µs since 1970 of a day or an RFC 3339 time; `last`: a day counts to its end."""
        found = self.get(key, required)
        if found is None:
            return None
        try:
            text = "" if isinstance(found.value, dict | list) else str(found.value)
            if len(text) == 10:
                day = date.fromisoformat(text)
                return end_of_day(day) - (0 if last else 86_400_000_000)
            return microseconds(datetime.fromisoformat(text))
        except (ValueError, OverflowError):
            self.fail(
                f"{key} is {said(found.value)}; write a day as 2026-01-31 or a time as 2026-01-31T00:00:00Z",
                found,
            )
            return None

    def done(self) -> None:
        """Note keys that nobody asked for: a misspelt key must not be silently without effect."""
        for key, value in self.values.items():
            if key not in self._asked:
                near = get_close_matches(key, self._asked, 1)
                hint = f"did you mean {near[0]}?" if near else f"keys are {', '.join(self._asked)}"
                odd = odd_letter(key)
                hint += f"; {odd}" if odd else ""
                self.fail(f"{self.name}: unknown key {key[:60]!r}; {hint}", value)


def said(value: Any) -> str:
    """How messages repeat a value: a scalar as it was written, at most 60 signs of it; of others their kind."""
    return _kind(value) if isinstance(value, dict | list) else repr(value)[:60]


def _kind(value: Any) -> str:
    names = {dict: "a mapping", list: "a list", bool: "true or false", int: "a number", float: "a number"}
    return f"{names.get(type(value), 'a text' if isinstance(value, str) else 'nothing')}"
