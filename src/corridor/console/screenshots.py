"""Pictures of the page, taken by a Chromium that is found on this machine."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Final, NamedTuple

from corridor.console.serving import Place, Running, Show
from corridor.errors import InputError
from corridor.output import reason

BROWSERS: Final = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
ADVICE: Final = "install Chromium (Debian: apt-get install chromium)"
SECONDS: Final = 60
"""Until a browser that does nothing is given up."""


class Shot(NamedTuple):
    """One picture: the file's name, what is asked of the page, and its size in CSS pixels."""

    name: str
    query: str
    width: int
    height: int


SHOTS: Final = (
    Shot("light-en", "theme=light&lang=en", 1440, 2060),
    Shot("dark-en", "theme=dark&lang=en", 1440, 2060),
    Shot("light-ru", "theme=light&lang=ru", 1440, 2060),
    Shot("dark-ru", "theme=dark&lang=ru", 1440, 2060),
    Shot("week-en", "theme=light&lang=en&period=week", 1440, 2060),
    Shot("wall-en", "theme=dark&lang=en&view=wall", 1920, 1080),
    Shot("wall-ru", "theme=light&lang=ru&view=wall", 1920, 1080),
    Shot("wall-4k-en", "theme=light&lang=en&view=wall", 3840, 2160),
    Shot("phone-en", "theme=light&lang=en", 390, 4600),
    Shot("phone-ru", "theme=dark&lang=ru", 390, 4600),
    Shot("cause-en", "theme=light&lang=en#anomaly=first", 1440, 1000),
    Shot("cause-ru", "theme=dark&lang=ru#anomaly=first", 1440, 1000),
)


def browser() -> str | None:
    """The path of a Chromium, None if there is none."""
    return next((path for name in BROWSERS if (path := shutil.which(name))), None)


def take(show: Show, folder: Path, shots: Iterable[Shot]) -> list[Path]:
    """Put the page up for a moment and take its pictures into `folder`.

    InputError if there is no browser, the folder cannot be made, or a picture did not come.
    """
    found = browser()
    if found is None:
        raise InputError(f"no Chromium among the programs ({', '.join(BROWSERS)}): {ADVICE}")
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{folder}: {reason(error)}; give a folder that can be written") from error
    with (
        Running(show, Place(port=0)).served() as url,
        tempfile.TemporaryDirectory(prefix="corridor-") as work,
    ):
        _settled(show)
        return [_one(found, url, shot, folder, work) for shot in shots]


def _settled(show: Show) -> None:
    """Wait until what is there was read."""
    deadline = time.monotonic() + SECONDS
    while show.state.link.condition == "loading" and time.monotonic() < deadline:
        time.sleep(0.05)
    time.sleep(1.5)  # for the rulebook, its norms, and the picture with it


def _one(program: str, url: str, shot: Shot, folder: Path, work: str) -> Path:
    path = folder / f"{shot.name}.png"
    path.unlink(missing_ok=True)
    command = [
        program,
        "--headless=new",
        "--disable-gpu",
        "--hide-scrollbars",
        "--no-first-run",
        f"--user-data-dir={work}",
        f"--window-size={shot.width},{shot.height}",
        "--virtual-time-budget=4000",
        f"--screenshot={path.resolve()}",
        *(["--no-sandbox"] if os.geteuid() == 0 else []),  # Chromium's sandbox cannot be had as root
        f"{url}?still&{shot.query}",
    ]
    try:
        done = subprocess.run(command, capture_output=True, timeout=SECONDS, check=False)
    except subprocess.TimeoutExpired:
        raise InputError(f"{program} took no picture within {SECONDS} s; try again") from None
    if not path.is_file():
        last = done.stderr.decode("utf-8", "replace").strip().splitlines()[-1:]
        raise InputError(f"{program} took no picture ({' '.join(last)[:200]}); {ADVICE}")
    return path
