"""Values → steps with registers: the last stage of compiling rules (see program.py)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from corridor.kernels import rules as k
from corridor.rulebook.membership import Lookup

Array = NDArray[Any]
Key = tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Program:
    """The program for kernels/rules.run_rules and the fields that it reads, in order."""

    numbers: tuple[str, ...]
    codes: tuple[str, ...]
    table: k.Table

    def run(
        self, numbers: Array, codes: Array, block: int = k.BLOCK, out: Array | None = None
    ) -> NDArray[np.uint8]:
        """Run on float64[F, m] numbers and int64[C, m] codes: uint8[R, m], which rule hits which row."""
        return k.run_rules(numbers, codes, self.table, block, out)


class _Pool:
    """Registers of one kind, handed out lowest first and taken back."""

    def __init__(self) -> None:
        self.count = 0
        self._free: list[int] = []

    def take(self) -> int:
        if self._free:
            return self._free.pop()
        self.count += 1
        return self.count - 1

    def give(self, register: int) -> None:
        self._free.append(register)


class _Layout:
    """Numbers the fields, constants and tokens, then walks the values in order."""

    def __init__(self, keys: Sequence[Key], roots: Sequence[int]) -> None:
        self.keys, self.roots = keys, roots
        live = _live(keys, roots)
        self.order = [v for v in live if keys[v][0] in ("number", "code", "truth")]
        self.numbers = [keys[v][1] for v in live if keys[v][0] == "number_field"]
        self.codes = [keys[v][1] for v in live if keys[v][0] == "code_field"]
        self.constants: list[float] = [keys[v][1] for v in live if keys[v][0] == "constant"]
        self.in_registers = len(self.constants)
        self.tokens: list[NDArray[np.int64]] = []
        self._token_count = 0
        self._token_places: dict[Key, int] = {}
        self._constant_places: dict[float, int] = {}
        self.pools = {"number": _Pool(), "code": _Pool(), "truth": _Pool()}
        self.places: dict[int, tuple[str, int]] = {}
        fixed = [v for v in live if keys[v][0] == "number_field"] + [
            v for v in live if keys[v][0] == "constant"
        ]
        self.places.update((v, ("number_fixed", i)) for i, v in enumerate(fixed))
        fixed = [v for v in live if keys[v][0] == "code_field"]
        self.places.update((v, ("code_fixed", i)) for i, v in enumerate(fixed))
        self.steps: list[list[Any]] = []

    def walk(self) -> None:
        """Emit a step for each value; a rule's own value goes straight into its row of hits."""
        last = {v: i for i, value in enumerate(self.order) for v in _operands(self.keys[value])}
        rows: dict[int, list[int]] = {}
        for row, root in enumerate(self.roots):
            rows.setdefault(root, []).append(row)
        for i, value in enumerate(self.order):
            kind, op, *rest = self.keys[value]
            place = ("hit", rows[value][0]) if value in rows else (kind, self.pools[kind].take())
            self.places[value] = place
            self.steps.append([op, place, *(self._argument(op, a) for a in rest)])
            self.steps.extend([k.COPY, ("hit", row), place] for row in rows.get(value, [])[1:])
            for v in dict.fromkeys(_operands(self.keys[value])):
                kind, register = self.places[v]
                if last[v] == i and kind in self.pools:
                    self.pools[kind].give(register)

    def _argument(self, op: int, argument: Any) -> Any:
        if isinstance(argument, int):
            return argument if op == k.FILL else self.places[argument]
        what, value = argument
        if what == "digits":
            return ("raw", value)
        if what == "constant":
            if value not in self._constant_places:
                self._constant_places[value] = len(self.constants)
                self.constants.append(value)
            return self._constant_places[value]
        if argument not in self._token_places:
            self._token_places[argument] = self._token_count
            values = (value,) if what == "token" else value.array if isinstance(value, Lookup) else value
            self.tokens.append(np.asarray(values, np.int64))
            self._token_count += len(values)
        start = self._token_places[argument]
        return (("raw", start), ("raw", len(value))) if what == "tokens" else start

    def program(self) -> Program:
        """The arrays, with registers counted fields first, constants next, then temporary ones."""
        base = {
            "number_fixed": 0,
            "number": len(self.numbers) + self.in_registers,
            "code_fixed": 0,
            "code": len(self.codes),
            "truth": 0,
            "hit": self.pools["truth"].count,
            "raw": 0,
        }
        table = np.zeros((len(self.steps), 5), np.int32)
        for row, step in zip(table, self.steps, strict=True):
            flat: list[int] = []
            for argument in step:
                flat.extend(_flat(argument, base))
            row[: len(flat)] = flat
        counts = [
            self.in_registers,
            *(self.pools[p].count for p in ("number", "code", "truth")),
            len(self.roots),
        ]
        return Program(
            tuple(self.numbers),
            tuple(self.codes),
            k.Table(
                table,
                np.array(self.constants, np.float64),
                np.concatenate([np.empty(0, np.int64), *self.tokens]),
                np.array(counts, np.int64),
            ),
        )


def _flat(argument: Any, base: dict[str, int]) -> list[int]:
    if isinstance(argument, int):
        return [argument]
    if isinstance(argument[0], str):
        return [base[argument[0]] + argument[1]]
    return [n for part in argument for n in _flat(part, base)]


def _operands(key: Key) -> list[int]:
    """The values that a value is computed from."""
    if key[0] not in ("number", "code", "truth") or key[1] == k.FILL:
        return []
    return [a for a in key[2:] if isinstance(a, int)]


def _live(keys: Sequence[Key], roots: Sequence[int]) -> list[int]:
    """All values that the roots need, in the order of their numbers (operands come first)."""
    live: set[int] = set()
    todo = list(roots)
    while todo:
        value = todo.pop()
        if value not in live:
            live.add(value)
            todo.extend(_operands(keys[value]))
    return sorted(live)


def lay_out(keys: Sequence[Key], roots: Sequence[int]) -> Program:
    """The program that computes `roots`, one row of hits each, from the values in `keys`."""
    layout = _Layout(keys, roots)
    layout.walk()
    return layout.program()
