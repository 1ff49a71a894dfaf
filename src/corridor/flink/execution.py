"""A job executed and waited for: counters on the way, Ctrl-C, failures as one clear line."""

import errno
import os
import re
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from corridor.cache import cache_folder
from corridor.errors import CorridorError, InputError
from corridor.flink.revival import Revival
from corridor.flink.worker import read_counters

Report = Callable[[dict[str, int], int], None]
"""Called some times a second with the workers' counters and the number of records to be read."""
_POLL_SECONDS: Final = 0.2
_PYTHON_ERROR: Final = re.compile(r"^(?!java|org\.)[\w.]*(?:Error|Exception): .*$", re.MULTILINE)
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""What Java and Python call alike, by the system's own words."""
_JAVA_ERROR: Final = re.compile(r"^Caused by: (.*)$", re.MULTILINE)


class InterruptedRunError(CorridorError):
    """The user stopped a run; the message says how far it came."""


def run(job: Any, work: Path, total: int | None, report: Report | None, waited: bool = True) -> None:
    """Execute the statements of `job` and wait for them; `work`/progress holds the workers' counters.

    total: records to be read; None for a stream, whose state stays in `work` for a further run; waited: False
    for a job that is submitted and left to its cluster (`flink run -d`).
    Raises InputError for a full disk, CorridorError for any other failure, InterruptedRunError on Ctrl-C.
    """
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415  # comes with PyFlink, slow to import

    with _ctrl_c() as stopped:
        try:
            client = job.execute().get_job_client()
            if not waited:
                return
            result, revival = client.get_job_execution_result(), Revival(client)
            while not result.done():
                revival.look()
                if stopped.wait(_POLL_SECONDS):
                    client.cancel().result()
                    raise InterruptedRunError(_how_far(read_counters(work / "progress"), total))
                if report is not None:
                    report(read_counters(work / "progress"), total or 0)
            result.result()
        except Py4JJavaError as error:
            told = f"{error.java_exception.toString()}\n{error}"
            raise failure(told, work.parent, _REDONE if total is not None else _GOES_ON) from None


@contextmanager
def _ctrl_c() -> Iterator[threading.Event]:
    """An event that Ctrl-C sets, so that no call into the JVM is cut in the middle."""
    stopped = threading.Event()
    if threading.current_thread() is not threading.main_thread():
        yield stopped
        return
    before = signal.signal(signal.SIGINT, lambda number, frame: stopped.set())
    try:
        yield stopped
    finally:
        signal.signal(signal.SIGINT, before)


_REDONE: Final = "nothing was written"
_GOES_ON: Final = "a further run with the same --state goes on from its last checkpoint"


def _how_far(counts: dict[str, int], total: int | None) -> str:
    of, then = ("", _GOES_ON) if total is None else (f" of {total:,}", f"{_REDONE}, run again to start anew")
    return f"stopped: {counts['read']:,}{of} records were read and {counts['judged']:,} judged; {then}"


def failure(told: str, place: Path, then: str = _REDONE) -> CorridorError:
    """One line on what failed, a disk (that of `place`) or the job; all that Flink told goes to a log."""
    for number in _DISK:
        if os.strerror(number) in told:
            return InputError(f"{place}: {os.strerror(number)}; {then}, make room and run again")
    causes = _PYTHON_ERROR.findall(told) or _JAVA_ERROR.findall(told) or told.splitlines()[:1]
    return CorridorError(f"the Flink job failed and {then}: {causes[-1][:300]}{_kept(told)}")


def _kept(told: str) -> str:
    """Where all that Flink told stands; nothing if it cannot be written."""
    log = cache_folder() / "last-failure.log"
    try:
        log.parent.mkdir(parents=True, exist_ok=True)
        log.write_text(told)
    except OSError:
        return ""
    return f"; all of it stands in {log}"
