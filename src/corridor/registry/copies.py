"""What a machine keeps of a registry: records and files as they came, so that it goes on without the registry."""

import hashlib
import logging
import shutil
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from corridor.errors import InputError
from corridor.output import reason
from corridor.registry.content import loaded
from corridor.registry.keys import Trust
from corridor.registry.publication import Publication
from corridor.registry.refusal import RefusedError
from corridor.registry.registry import Registry
from corridor.registry.store import StoreError
from corridor.rulebook.book import Rulebook

_LOG: Final = logging.getLogger(__name__)


class Copies:
    """A folder of `base` for one registry. All workers of a machine share it; nothing in it is believed unchecked."""

    def __init__(self, registry: Registry, base: Path) -> None:
        """Make the folder, for this user alone. InputError if it cannot be made."""
        self._registry = registry
        self.folder = base / hashlib.sha256(registry.store.url.encode()).hexdigest()[:16]
        try:
            self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            told = f"{self.folder}: {reason(error)}; rulebooks are copied there: let XDG_CACHE_HOME name another folder"
            raise InputError(told) from error
        self._own = Registry.open(str(self.folder))

    def known(self, trust: Trust) -> list[Publication]:
        """The publications that were accepted before; as far as the folder is broken, none."""
        found: list[Publication] = []
        if (self.folder / "versions").is_dir():
            try:
                for number in self._own.numbers():
                    found.append(self._own.next(number, found, trust))
            except RefusedError as error:
                _LOG.warning("rulebooks: the copies in %s are broken (%s)", self.folder, error.reason)
        return found

    def keep(self, one: Publication) -> None:
        """Keep the record of an accepted publication; where that fails, the registry is asked again next time."""
        try:
            self._own.replace(one)
        except StoreError as error:
            _LOG.warning("rulebooks: %s", error)

    def book(self, one: Publication, like: Sequence[Rulebook] = ()) -> tuple[Rulebook, Path]:
        """A publication's rulebook and its folder, copied first where it is not there or was changed.

        like: loaded rulebooks, with which it shares what is the same.
        Raises RefusedError if it must not be used, StoreError if the registry does not answer.
        """
        folder = self.folder / one.digest[:32]
        if folder.is_dir():
            try:
                return loaded(folder, one, like), folder
            except RefusedError as error:
                if error.reason != "content":
                    raise
                shutil.rmtree(folder, ignore_errors=True)
        with self._registry.fetched(one) as copy:  # in a folder of its own until it is checked
            book = loaded(copy, one, like)
            _place(copy, folder)
        return book, folder


def _place(copy: Path, folder: Path) -> None:
    """Put a checked copy there, whole, unless another worker was first."""
    part = folder.with_name(f".{folder.name}.{threading.get_native_id()}.part")
    folder.parent.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(part, ignore_errors=True)
    shutil.copytree(copy, part)
    try:
        part.rename(folder)
    except OSError:
        shutil.rmtree(part, ignore_errors=True)
        if not folder.is_dir():
            raise
