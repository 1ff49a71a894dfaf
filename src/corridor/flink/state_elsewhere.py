"""Whose state lies at a URI of a cluster's file systems, as far as fsspec can reach it from here."""

import logging
from typing import Final

from corridor.errors import CorridorError, InputError
from corridor.registry.store import Store

_LOG: Final = logging.getLogger(__name__)
_OWNER: Final = "job"
_LONGEST: Final = 4096


def claim(uri: str, job: str, plan: str) -> None:
    """Keep a job's name and plan at the URI. InputError if the state there is another job's, or of another plan.

    Where it cannot be reached from here that is the cluster's own affair, as before.
    """
    store = _store(uri)
    if store is None:
        return
    try:
        of, made = _kept(store)
        goes_on = made != plan and _goes_on(store)
        if not goes_on and of in ("", job) and (of, made) != (job, plan):
            store.write(_OWNER, f"{job}\n{plan}\n".encode())
    except CorridorError as error:
        _LOG.warning("state: %s", error)
        return
    check_job(uri, of or job, job)
    if goes_on:
        raise other_plan(uri, made, plan)


def plan_kept(uri: str) -> str:
    """The plan at the URI, if there is a checkpoint or savepoint to go on from; "" if none can be seen from here."""
    store = _store(uri)
    if store is None:
        return ""
    try:
        return _kept(store)[1] if _goes_on(store) else ""
    except CorridorError as error:
        _LOG.warning("state: %s", error)
        return ""


def check_job(place: object, of: str, job: str) -> None:
    """InputError unless the state is this job's."""
    if of != job:
        raise InputError(f"{place}: holds the state of the job {of[:20]!r}; give {job!r} a folder of its own")


def other_plan(place: object, made: str, plan: str) -> InputError:
    """What to say of a state that depends on something else than the run."""
    return InputError(
        f"{place}: its state is of a run with {made or 'nothing else'}, this one has {plan or 'nothing else'}; "
        "go on as before, or give a new --state and a new group"
    )


def _store(uri: str) -> Store | None:
    """The place as fsspec knows it; None if it does not, or lacks its package."""
    try:
        store = Store.open(uri)
    except Exception as error:  # each file system has errors of its own
        _LOG.info("state: %s cannot be seen from here: %s", uri, " ".join(str(error).split())[:200])
        return None
    return None if store.local else store


def _kept(store: Store) -> tuple[str, str]:
    """The job's name and plan; "" where nothing is kept."""
    text = (store.read(_OWNER, _LONGEST) or b"").decode("utf-8", "replace")
    of, _, made = text.rstrip("\n").partition("\n")
    return of, made


def _goes_on(store: Store) -> bool:
    """Whether a whole checkpoint or savepoint lies there."""
    made = [f"{place}/{name}" for place in ("savepoints", "stopped") for name in store.names(place)]
    for job in store.names("checkpoints"):
        folder = f"checkpoints/{job}"
        made += [f"{folder}/{name}" for name in store.names(folder) if name.startswith("chk-")]
    return any("_metadata" in store.names(folder) for folder in made)
