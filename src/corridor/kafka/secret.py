"""Values that are never printed."""

from typing import Any, Final

MASK: Final = "***"
_SECRET: Final = ("password", "jaas", "keystore.key")


class Secret:
    """A text that shows as ***, whoever prints it; `reveal` gives it to the client that needs it."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself."""
        return self._text

    def __repr__(self) -> str:
        return MASK

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Secret) and other._text == self._text

    def __hash__(self) -> int:
        return hash(self._text)

    def __reduce__(self) -> str:
        raise TypeError("a secret is not written into files")


NO_SECRET: Final = Secret("")


class Properties(dict[str, Any]):
    """Client properties; printed, those that hold secrets show as ***."""

    def __repr__(self) -> str:
        shown = {key: MASK if any(word in key for word in _SECRET) else self[key] for key in self}
        return repr(shown)

    __str__ = __repr__

    def __or__(self, other: dict[str, Any]) -> "Properties":  # type: ignore[override]  # masked as well
        return Properties({**self, **other})
