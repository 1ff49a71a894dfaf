"""Where publications lie: a folder, or any place that fsspec has a file system for. Files appear whole, or not at all."""

import contextlib
import hashlib
import os
import queue
import secrets
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeVar

import fsspec
from fsspec.implementations.local import LocalFileSystem

from corridor.errors import CorridorError, InputError

LARGEST: Final = 4 << 30
_CHUNK: Final = 1 << 20
T = TypeVar("T")


class StoreError(CorridorError):
    """The place does not answer, or not as it should."""


@dataclass(frozen=True, slots=True)
class Store:
    """Files by path below one place."""

    url: str
    _fs: Any
    _root: str

    @classmethod
    def open(cls, url: str) -> "Store":
        """The place that a folder or URL names. InputError if fsspec knows no such, or lacks its package."""
        try:
            fs, root = fsspec.core.url_to_fs(url)
        except (ValueError, ImportError) as error:
            raise InputError(
                f"{url}: {' '.join(str(error).split())[:200]}; give a folder or a URL of fsspec"
            ) from None
        return cls(url, fs, root.rstrip("/"))

    @property
    def local(self) -> bool:
        """Whether it is a folder of this machine."""
        return isinstance(self._fs, LocalFileSystem)

    def make(self) -> None:
        """Make the place, where it is a folder that is not there."""
        self._asked(lambda: self._fs.makedirs(self._root, exist_ok=True))

    def names(self, folder: str) -> list[str]:
        """The names in a folder, sorted; none if it is not there. StoreError if the place itself is not there."""

        def found() -> list[str]:
            self._fs.invalidate_cache()
            try:
                return sorted(
                    path.rstrip("/").rpartition("/")[2]
                    for path in self._fs.ls(self._path(folder), detail=False)
                )
            except FileNotFoundError:
                if self.local and not Path(self._root).is_dir():
                    raise
                return []

        return self._asked(found)

    def read(self, path: str, most: int) -> bytes | None:
        """A file's bytes, of one that is longer `most` + 1; None if there is none."""

        def found() -> bytes | None:
            try:
                return bytes(self._fs.cat_file(self._path(path), start=0, end=most + 1))
            except FileNotFoundError:
                return None

        return self._asked(found)

    def create(self, path: str, data: bytes) -> bool:
        """Write a file that must not be there; False if it is. Of two who try at once one succeeds."""

        def made() -> bool:
            with contextlib.suppress(FileExistsError):
                if self.local:
                    _link(Path(self._path(path)), data)
                elif self._fs.exists(self._path(path)):  # some file systems know no mode
                    return False
                else:
                    self._fs.makedirs(self._path(path).rpartition("/")[0], exist_ok=True)
                    self._fs.pipe_file(self._path(path), data, mode="create")
                return True
            return False

        return self._asked(made)

    def write(self, path: str, data: bytes) -> None:
        """Write a file, in the place of one that is there."""

        def made() -> None:
            if self.local:
                part = _part(Path(self._path(path)), data)
                part.replace(self._path(path))
            else:
                self._fs.makedirs(self._path(path).rpartition("/")[0], exist_ok=True)
                self._fs.pipe_file(self._path(path), data)

        self._asked(made)

    def remove(self, path: str) -> None:
        """Remove a file, if it is there."""

        def gone() -> None:
            with contextlib.suppress(FileNotFoundError):
                self._fs.rm_file(self._path(path))

        self._asked(gone)

    def fetch(self, path: str, into: Path) -> str | None:
        """Copy a file to `into`; the SHA-256 of what came, None if there is none."""

        def copied() -> str | None:
            digest, size = hashlib.sha256(), 0
            try:
                with self._fs.open(self._path(path), "rb") as source, into.open("xb") as target:
                    while chunk := source.read(_CHUNK):
                        size += len(chunk)
                        if size > LARGEST:
                            raise ValueError(f"{path} is larger than {LARGEST:,} bytes")
                        digest.update(chunk)
                        target.write(chunk)
            except FileNotFoundError:
                return None
            return digest.hexdigest()

        return self._asked(copied)

    def _path(self, path: str) -> str:
        return f"{self._root}/{path}"

    def _asked(self, call: Callable[[], T]) -> T:
        """What a call of the file system gives; whatever it raises as StoreError, in a line."""
        try:
            return call()
        except Exception as error:  # each file system has errors of its own
            told = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            raise StoreError(f"{self.url}: {told}; see that the place is there and may be used") from error


def within(seconds: float, call: Callable[[], T]) -> T:
    """What a call of a store gives; StoreError if nothing came in time, as some places let one wait for minutes."""
    answers: queue.SimpleQueue[tuple[T] | StoreError] = queue.SimpleQueue()

    def ask() -> None:
        try:
            answers.put((call(),))
        except StoreError as error:
            answers.put(error)

    threading.Thread(target=ask, name="store", daemon=True).start()
    try:
        answer = answers.get(timeout=seconds)
    except queue.Empty:
        raise StoreError(
            f"no answer within {seconds:g} s; see that the place is there and may be used"
        ) from None
    if isinstance(answer, StoreError):
        raise answer
    return answer[0]


def _part(path: Path, data: bytes) -> Path:
    """A hidden file beside `path` with the data, on the disk for good."""
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.parent / f".{path.name}.{secrets.token_hex(6)}"
    with part.open("xb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    return part


def _link(path: Path, data: bytes) -> None:
    """Make `path` appear with all of the data. FileExistsError if it is there."""
    part = _part(path, data)
    try:
        path.hardlink_to(part)
    except FileExistsError:
        raise
    except OSError:  # a file system without links
        with path.open("xb") as file:
            file.write(data)
    finally:
        part.unlink()
