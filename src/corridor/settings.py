"""Settings of an operator: one TOML file, the environment and options, in that rising order.

A table of the file fills a dataclass, whose field names are its keys and whose defaults stand nowhere else. The
environment names a key as CORRIDOR_TABLE_KEY. What is not known is refused; the dataclass checks what is known.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, Final, Literal, get_args, get_origin, get_type_hints

from corridor.errors import InputError

TABLES: Final = ("kafka", "stream")
"""What a file may hold: how Kafka is reached, and how the job runs over its topics."""
_NAMES: Final = {bool: "true or false", int: "a whole number", str: "a text"}


@dataclass(frozen=True, slots=True)
class Table:
    """A table of the file. kinds: of each key bool, int, or what is made of a text (str, Path, a secret)."""

    name: str
    kinds: Mapping[str, type]

    @property
    def prefix(self) -> str:
        """What the names of the environment begin with."""
        return f"CORRIDOR_{self.name.upper()}_"

    def where(self, key: str) -> str:
        """How a key can be given, for the message that it is missing."""
        return f"{key} in the table [{self.name}] of the file of --config, or {self.prefix}{key.upper()}"

    def given(
        self, file: Path | None, environment: Mapping[str, str], options: Mapping[str, object]
    ) -> dict[str, Any]:
        """What was given, by key: an option (None: not given) before the environment, that before the file.

        InputError, which names the key and where it stands, for an unknown key and a value of another type;
        it never holds the value, which may be a secret.
        """
        values: dict[str, Any] = {}
        if file is not None:
            for key, value in _read(file).get(self.name, {}).items():
                values[key] = self._value(key, value, f"{file}: {self.name}.{key}")
        for name, text in environment.items():
            if name.startswith(self.prefix):
                key = name.removeprefix(self.prefix).lower()
                values[key] = self._value(key, self._parsed(key, text), f"environment variable {name}")
        return values | {key: value for key, value in options.items() if value is not None}

    def _parsed(self, key: str, text: str) -> object:
        """A text of the environment as what TOML would have given."""
        kind = self.kinds.get(key)
        if kind is bool and text.lower() in {"true", "false"}:
            return text.lower() == "true"
        return int(text) if kind is int and re.fullmatch(r"[0-9]{1,18}", text) else text

    def _value(self, key: str, value: object, where: str) -> object:
        if key not in self.kinds:
            raise InputError(f"{where} is not known; {_near(key, self.kinds)}")
        kind = self.kinds[key]
        wanted = kind if kind in (bool, int) else str
        if type(value) is not wanted:
            raise InputError(f"{where} must be {_NAMES[wanted]}")
        return value if wanted is kind else kind(value)


def named(environment: Mapping[str, str]) -> bool:
    """Whether the environment gives any setting."""
    return any(
        name.startswith(tuple(f"CORRIDOR_{table.upper()}_" for table in TABLES)) for name in environment
    )


def kinds(dataclass_: type, leave: Iterable[str] = ()) -> dict[str, type]:
    """Each field of a dataclass, but those to leave, and its type: X of X | None, str of a Literal and of X | str."""
    return {key: _kind(hint) for key, hint in get_type_hints(dataclass_).items() if key not in set(leave)}


def _kind(hint: Any) -> type:
    if get_origin(hint) is Literal:
        return str
    if isinstance(hint, UnionType):
        ways = [one for one in get_args(hint) if one is not NoneType]
        return str if str in ways else _kind(ways[0])
    return hint if isinstance(hint, type) else str


def _read(file: Path) -> dict[str, dict[str, Any]]:
    advice = f"give a TOML file with the tables {' and '.join(f'[{name}]' for name in TABLES)}"
    try:
        with file.open("rb") as opened:
            tables = tomllib.load(opened)
    except OSError as error:
        raise InputError(f"{file}: {error.strerror or error}; {advice}") from error
    except (ValueError, RecursionError) as error:  # TOML's, UTF-8's, of a number with 5,000 digits
        raise InputError(f"{file}: {error}; {advice}") from None
    for name, table in tables.items():
        if name not in TABLES:
            raise InputError(f"{file}: {name} is not known; {_near(name, TABLES)}")
        if not isinstance(table, dict):
            raise InputError(f"{file}: {name} is not a table; write [{name}] and its keys below")
    return tables


def _near(name: str, known: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, known, 1)
    return f"did you mean {near[0]}?" if near else f"known are {', '.join(known)}"
