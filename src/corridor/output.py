"""Folders that commands fill: whole in the end, or as they were before."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from corridor.errors import InputError


def reason(error: OSError) -> str:
    """What the system says of a call that failed, in one line."""
    return os.strerror(error.errno) if error.errno else " ".join(str(error).split()) or type(error).__name__


def beside(output: Path) -> Path:
    """The folder in which to make what is to take the place of `output`: its parent, or itself if need be.

    A mount point cannot be replaced, and lies on another disk than its parent.
    """
    parent = output.resolve().parent
    fixed = output.is_dir() and (os.path.ismount(output) or not os.access(parent, os.W_OK | os.X_OK))
    return output.resolve() if fixed else parent


def publish(made: Path, output: Path) -> None:
    """Put a finished folder, made somewhere in `beside(output)`, in the place of `output`."""
    if output.resolve() in made.parents:
        for entry in made.iterdir():
            entry.rename(output / entry.name)
        made.rmdir()
        return
    output.parent.mkdir(parents=True, exist_ok=True)
    if output.exists():
        output.rmdir()
    made.rename(output)


@contextmanager
def filled(folder: Path) -> Iterator[None]:
    """Make `folder`, new or empty, for the block to fill; if that fails or is stopped, all of it goes again.

    Raises InputError if it holds something or cannot be written: no permission, a full disk.
    """
    missing = _missing(folder)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        yield
    except BaseException as error:
        for path in missing[-1:] or folder.iterdir():
            shutil.rmtree(path, ignore_errors=True) if path.is_dir() else path.unlink(missing_ok=True)
        if isinstance(error, OSError):
            raise InputError(
                f"{error.filename or folder}: {reason(error)}; nothing was written, make room or choose "
                "another --output"
            ) from error
        raise


def _missing(folder: Path) -> list[Path]:
    """The folder and those above it, as far as they do not exist; InputError unless it is new or empty."""
    try:
        missing = [path for path in (folder, *folder.parents) if not path.exists()]
        used = not missing and (not folder.is_dir() or any(folder.iterdir()))
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {reason(error)}; choose another --output") from error
    if used:
        raise InputError(f"output folder {folder} holds something: give a new or an empty folder")
    return missing


def parts(folder: Path) -> list[Path]:
    """The files in a folder that a run wrote, by name; hidden ones and Flink's own marks do not count."""
    return sorted(path for path in folder.rglob("*") if path.is_file() and path.name[0] not in "._")
