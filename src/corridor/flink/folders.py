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

SUFFIXES: Final = (".ndjson", ".jsonl", ".json")
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

    def lines(self) -> int:
        """Lines in all files, counted by their ends; the count that Flink's own is checked against."""
        return sum(map(_lines, self.files))


def find_material(path: Path) -> Material:
    """The NDJSON file or the folder of such files. InputError if there is none, or one cannot be read."""
    if not path.exists():
        raise InputError(f"{path}: no such file or folder; give a file of NDJSON or a folder of such files")
    files = (path,) if path.is_file() else tuple(sorted(_files(path)))
    if not files:
        raise InputError(f"{path}: no NDJSON file inside (*.ndjson, *.jsonl, *.json); give another folder")
    for file in files:
        if not os.access(file, os.R_OK):
            raise InputError(f"{file}: no permission to read it; change its rights or run as another user")
    size = sum(file.stat().st_size for file in files)
    if not size:
        raise InputError(f"{path}: all files are empty; give NDJSON, one message a line")
    return Material(path, files, size)


def _files(folder: Path) -> Iterator[Path]:
    """Files that Flink reads too: nothing hidden or under a name that begins with `_`."""
    for file in folder.rglob("*"):
        inside = file.relative_to(folder).parts
        if file.is_file() and file.suffix in SUFFIXES and not any(part[0] in "._" for part in inside):
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
    if output.exists() and not output.is_dir():
        raise InputError(f"{output}: is a file; give a new or empty folder for the output")
    if output.is_dir() and any(output.iterdir()):
        raise InputError(f"{output}: is not empty; give a new or empty folder for the output")
    parent = output.resolve().parent
    while not parent.exists():
        parent = parent.parent
    if not os.access(parent, os.W_OK | os.X_OK) or (output.exists() and not os.access(output, os.W_OK)):
        raise InputError(f"{output}: no permission to write there; give another folder")
    free, needed = shutil.disk_usage(parent).free, int(expected * _OUTPUT_SHARE) + _SPARE
    if free < needed:
        raise InputError(
            f"{output}: the disk has {free >> 20} MiB free and the run needs about {needed >> 20}; make room"
        )
    work = parent / f".{output.name}.{os.getpid()}.partial"
    try:
        work.mkdir()
        yield work
    finally:
        shutil.rmtree(work, ignore_errors=True)


def settle(parts: Path, into: Path) -> int:
    """Move Flink's parts to `into`/part-0000.ndjson and on; the number of files. Empty ones are dropped."""
    into.mkdir(parents=True, exist_ok=True)
    found = sorted(p for p in parts.rglob("*") if p.is_file() and p.name[0] not in "._" and p.stat().st_size)
    for number, part in enumerate(found):
        part.rename(into / f"part-{number:04d}.ndjson")
    return len(found)


def publish(made: Path, output: Path) -> None:
    """Put a finished folder in the place of `output`, in one step where the system allows."""
    output.parent.mkdir(parents=True, exist_ok=True)
    try:
        if output.exists():
            output.rmdir()
        made.rename(output)
    except OSError:  # a mount point cannot be replaced, but it can be filled
        output.mkdir(exist_ok=True)
        for entry in made.iterdir():
            shutil.move(entry, output / entry.name)
