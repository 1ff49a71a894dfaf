"""What a run reads and where it writes: checked before the JVM starts, moved into place when all is done."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np

from corridor.errors import InputError
from corridor.output import beside, publish, reason

__all__ = ["Material", "find_material", "publish", "settle", "staging"]

SUFFIXES: Final = (".ndjson", ".jsonl", ".json")
_PACKED: Final = (".gz", ".gzip", ".bz2", ".xz", ".zst", ".deflate", ".zip")
_BLOCK: Final = 1 << 24
_SPARE: Final = 64 << 20
"""Bytes that must be free beside what the outputs are expected to take."""
_OUTPUT_SHARE: Final = 1.5
"""Outputs and Flink's own files by input; measured runs stay below."""


@dataclass(frozen=True, slots=True)
class Material:
    """What is to be read: the path that Flink reads, its files, their bytes."""

    path: Path
    files: tuple[Path, ...]
    size: int

    @property
    def pattern(self) -> str:
        """Of the paths that Flink reads: the same files in a folder; a file is read whatever its name."""
        return rf".*\.({'|'.join(suffix[1:] for suffix in SUFFIXES)})" if self.path.is_dir() else ""

    def lines(self) -> int:
        """Lines in all files, counted by their ends; the count that Flink's own is checked against."""
        return sum(map(_lines, self.files))


def find_material(path: Path) -> Material:
    """The NDJSON file or the folder of such files. InputError if there is none, or one cannot be read."""
    if not os.path.exists(path):  # noqa: PTH110  # Path.exists raises where a folder may not be entered
        raise InputError(f"{path}: no such file or folder; give a file of NDJSON or a folder of such files")
    try:
        files = (path,) if path.is_file() else tuple(sorted(_files(path)))
    except PermissionError as error:
        raise _unreadable(error.filename) from None
    if not files:
        raise InputError(f"{path}: no NDJSON file inside (*.ndjson, *.jsonl, *.json); give another folder")
    for file in files:
        if file.suffix in _PACKED:
            raise InputError(f"{file}: is compressed; unpack it and give the NDJSON")
        if not os.access(file, os.R_OK):
            raise _unreadable(file)
    size = sum(file.stat().st_size for file in files)
    if not size:
        raise InputError(f"{path}: all files are empty; give NDJSON, one message a line")
    return Material(path, files, size)


def _unreadable(path: Path) -> InputError:
    return InputError(f"{path}: no permission to read it; change its rights or run as another user")


def _files(folder: Path) -> Iterator[Path]:
    """Files that Flink reads too: nothing hidden or under a name that begins with `_`."""

    def fail(error: OSError) -> None:
        raise error

    for place, inside, names in os.walk(folder, onerror=fail):
        inside[:] = [name for name in inside if name[0] not in "._"]
        for file in (Path(place, name) for name in names if name[0] not in "._"):
            if file.suffix in SUFFIXES and file.is_file():
                yield file


def _lines(file: Path) -> int:
    count, last = 0, b"\n"
    with file.open("rb") as stream:
        while block := stream.read(_BLOCK):
            count += int(np.count_nonzero(np.frombuffer(block, np.uint8) == 10))
            last = block[-1:]
    return count + (last != b"\n")


@contextmanager
def staging(output: Path, expected: int) -> Iterator[Path]:
    """A hidden folder beside `output` to work in; removed with all it holds, whatever happens.

    InputError if `output` holds something or cannot be written, or the disk has no room for
    `expected` bytes of input and what is made of them.
    """
    try:
        parent = _parent(output)
    except PermissionError:
        raise InputError(f"{output}: no permission to write there; give another folder") from None
    free, needed = shutil.disk_usage(parent).free, int(expected * _OUTPUT_SHARE) + _SPARE
    if free < needed:
        raise InputError(
            f"{output}: the disk has {free >> 20} MiB free and the run needs about {needed >> 20}; make room"
        )
    work = parent / f".{output.name}.{os.getpid()}.partial"
    try:
        work.mkdir()
        yield work
    except OSError as error:
        place = error.filename or output
        raise InputError(f"{place}: {reason(error)}; nothing was written, mend that and run again") from error
    finally:
        shutil.rmtree(work, ignore_errors=True)


def _parent(output: Path) -> Path:
    """The folder that is there and in which `output` is, or is to be; PermissionError if it cannot be written."""
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: is a file; give a new or empty folder for the output")
    if output.is_dir() and any(output.iterdir()):
        raise InputError(f"{output}: is not empty; give a new or empty folder for the output")
    parent = beside(output)
    while not parent.exists():
        parent = parent.parent
    if not os.access(parent, os.W_OK | os.X_OK) or (output.exists() and not os.access(output, os.W_OK)):
        raise PermissionError
    return parent


def settle(parts: Path, into: Path) -> int:
    """Move Flink's parts to `into`/part-0000.ndjson and on; the number of files. Empty ones are dropped."""
    into.mkdir(parents=True, exist_ok=True)
    found = sorted(p for p in parts.rglob("*") if p.is_file() and p.name[0] not in "._" and p.stat().st_size)
    for number, part in enumerate(found):
        part.rename(into / f"part-{number:04d}.ndjson")
    return len(found)
