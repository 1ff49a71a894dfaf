"""A job executed and waited for: counters on the way, Ctrl-C, failures as one clear line."""

import errno
import gc
import os
import re
import signal
import threading
import time
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
_STOPPING_SECONDS: Final = 60.0
"""What a job that is stopped has for its savepoint; then, or at a second Ctrl-C, it is cancelled."""
_PYTHON_ERROR: Final = re.compile(r"^(?!java|org\.)[\w.]*(?:Error|Exception): .*$", re.MULTILINE)
_DISK: Final = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS)
"""What Java and Python call alike, by the system's own words."""
_JAVA_ERROR: Final = re.compile(r"^Caused by: (.*)$", re.MULTILINE)


class InterruptedRunError(CorridorError):
    """The user stopped a run; the message says how far it came."""


def run(
    job: Any,
    work: Path,
    total: int | None,
    report: Report | None,
    waited: bool = True,
    kept: str | None = None,
) -> None:
    """Execute the statements of `job` and wait for them; `work`/progress holds the workers' counters.

    total: records to be read; None for a stream, whose state stays in `work` for a further run; waited: False
    for a job that is submitted and left to its cluster (`flink run -d`); kept: the URI where Ctrl-C leaves a savepoint,
    None for a job that is cancelled, as nothing can go on from where it stands.
    Raises InputError for a full disk, CorridorError for any other failure, InterruptedRunError on Ctrl-C.
    """
    from py4j.protocol import Py4JJavaError  # noqa: PLC0415  # comes with PyFlink, slow to import

    then = _REDONE if total is not None else _BOUNDED if kept is None else _GOES_ON
    with _ctrl_c() as stopped:
        try:
            client = _executed(job)
            if not waited:
                return
            result, revival = client.get_job_execution_result(), Revival(client)
            while not result.done():
                revival.look()
                if stopped.wait(_POLL_SECONDS):
                    if _stop(client, kept, stopped, revival):
                        then = _HERE
                    elif total is not None:
                        then = f"{then}, run again to start anew"
                    raise InterruptedRunError(_how_far(read_counters(work / "progress"), total, then))
                if report is not None:
                    report(read_counters(work / "progress"), total or 0)
            result.result()
        except Py4JJavaError as error:
            told = f"{error.java_exception.toString()}\n{error}"
            raise failure(told, work.parent, then) from None


def _executed(job: Any) -> Any:
    """The client of the job; the planner is done with, so garbage is collected again."""
    try:
        return job.execute().get_job_client()
    finally:
        gc.enable()


def _stop(client: Any, kept: str | None, stopped: threading.Event, revival: Revival) -> bool:
    """End the job; True if it left a savepoint, with all that it had written committed.

    A job that is cancelled in the middle of a checkpoint leaves the transactions open which were prepared for it, and
    readers of committed records wait for them until it runs again or their timeout is over.
    """
    if kept is not None:
        stopped.clear()
        made, end = _savepoint(client, kept), time.monotonic() + _STOPPING_SECONDS
        while not made.isDone() and time.monotonic() < end and not stopped.wait(_POLL_SECONDS):
            revival.look()
        if made.isDone() and not made.isCompletedExceptionally():
            return True
    client.cancel().result()
    return False


def _savepoint(client: Any, place: str) -> Any:
    """Java's future of a savepoint with which the job ends; PyFlink 2.2.1 calls a method that Flink 2 has no more."""
    from pyflink.java_gateway import get_gateway  # noqa: PLC0415  # PyFlink is slow to import

    native = get_gateway().jvm.org.apache.flink.core.execution.SavepointFormatType.NATIVE
    return client._j_job_client.stopWithSavepoint(False, place, native)


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
_BOUNDED: Final = "a bounded run begins anew, with a new --state and a new group"
_HERE: Final = "a further run with the same --state goes on from here"


def _how_far(counts: dict[str, int], total: int | None, then: str) -> str:
    of = "" if total is None else f" of {total:,}"
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
