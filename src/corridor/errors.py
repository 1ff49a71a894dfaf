"""One root error. Every message says what came, where, and what to do."""


class CorridorError(Exception):
    """The root of all errors that Corridor raises on purpose.

    The command line prints the message as one line and exits with code 2, so a message
    names what came, where it stood, and what to do about it.
    """


class InputError(CorridorError):
    """A path, file or option that the user gave cannot be used."""


class RulebookError(CorridorError):
    """A rulebook, or a file of it, is not fit to judge by."""


class ExpressionError(RulebookError):
    """A rule's expression is wrong; the message carries line, column and a hint."""

    def __init__(self, problem: str, line: int = 1, column: int = 1) -> None:
        """`problem` with its place: line and column within the expression, from 1."""
        super().__init__(f"line {line}, column {column}: {problem}")
        self.problem, self.line, self.column = problem, line, column
