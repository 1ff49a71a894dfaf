"""Arithmetic over columns, such as `{Item Price} * {Tax Rate} / 100`: parsed, never run as code."""

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Final

from corridor.errors import InputError

Numbers = dict[str, Decimal]
Step = Callable[[Numbers], Decimal]
MAX_LENGTH: Final = 500
_TOKEN: Final = re.compile(r"\s*(?:(?P<number>\d+(?:\.\d+)?)|\{(?P<column>[^{}]+)\}|(?P<sign>[-+*/()]))")


class Formula:
    """A parsed expression: numbers, {columns}, + - * / and brackets, in exact decimals."""

    def __init__(self, text: str) -> None:
        """Parse `text`; raises InputError with the place of the first fault."""
        if len(text) > MAX_LENGTH:
            raise InputError(f"expression is longer than {MAX_LENGTH} characters: shorten it")
        self._text, self._place = text, 0
        self.columns: list[str] = []
        self._kind, self._value = "", ""
        self._next()
        self._step = self._sum(0)
        if self._kind:
            raise self._fault("an operator (+ - * /) or the end")

    def __call__(self, numbers: Numbers) -> Decimal:
        """Compute the value for one row; raises ZeroDivisionError through decimal's DivisionByZero."""
        return self._step(numbers)

    def _fault(self, wanted: str) -> InputError:
        came = repr(self._value) if self._kind else "the end"
        return InputError(
            f"expression {self._text!r}, column {self._start + 1}: {came} where {wanted} must stand; "
            "write columns as {Name}"
        )

    def _next(self) -> None:
        self._start = self._place
        if not self._text[self._place :].strip():
            self._kind, self._value, self._start = "", "", len(self._text)
            return
        found = _TOKEN.match(self._text, self._place)
        if found is None:
            self._kind, self._value = "other", self._text[self._place :].strip()[0]
            raise self._fault("a number, a {column} or a bracket")
        self._kind, self._value = str(found.lastgroup), str(found[str(found.lastgroup)])
        self._start, self._place = found.start(str(found.lastgroup)), found.end()

    def _sum(self, depth: int) -> Step:
        left = self._product(depth)
        while self._kind == "sign" and self._value in "+-":
            plus = self._value == "+"
            self._next()
            left = _add(left, self._product(depth)) if plus else _subtract(left, self._product(depth))
        return left

    def _product(self, depth: int) -> Step:
        left = self._factor(depth)
        while self._kind == "sign" and self._value in "*/":
            times = self._value == "*"
            self._next()
            left = _multiply(left, self._factor(depth)) if times else _divide(left, self._factor(depth))
        return left

    def _factor(self, depth: int) -> Step:
        kind, value = self._kind, self._value
        if depth > 20:
            raise InputError(f"expression {self._text!r} is nested deeper than 20 brackets: simplify it")
        if kind == "number":
            self._next()
            return _constant(Decimal(value))
        if kind == "column":
            self._next()
            self.columns.append(value)
            return lambda numbers: numbers[value]
        if kind == "sign" and value == "-":
            self._next()
            return _subtract(_constant(Decimal(0)), self._factor(depth + 1))
        if kind == "sign" and value == "(":
            self._next()
            inner = self._sum(depth + 1)
            if self._value != ")":
                raise self._fault("a closing bracket")
            self._next()
            return inner
        raise self._fault("a number, a {column} or a bracket")


def _constant(value: Decimal) -> Step:
    return lambda numbers: value


def _add(left: Step, right: Step) -> Step:
    return lambda numbers: left(numbers) + right(numbers)


def _subtract(left: Step, right: Step) -> Step:
    return lambda numbers: left(numbers) - right(numbers)


def _multiply(left: Step, right: Step) -> Step:
    return lambda numbers: left(numbers) * right(numbers)


def _divide(left: Step, right: Step) -> Step:
    return lambda numbers: left(numbers) / right(numbers)
