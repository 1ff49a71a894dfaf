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
