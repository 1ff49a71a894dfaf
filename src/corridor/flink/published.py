"""The rulebooks of a registry, as the process sees them that makes the plan: their histories are the plan's."""

import os
from dataclasses import replace
from pathlib import Path

from corridor.flink.environment import submitted
from corridor.flink.topics import Topics, check_place
from corridor.registry.follow import Follower
from corridor.registry.keys import PASSPHRASE, Trust, open_private
from corridor.registry.origin import Origin
from corridor.rulebook.load import Shelf
from corridor.rulebook.sample import sample_path


def published(registry: str, trusted_keys: Path) -> tuple[Origin, Shelf]:
    """What a registry holds now, and where workers of the same job find it. Raises CorridorError if nothing is fit.

    Of the shelf's versions those are loaded that are in force or to come; others when they are asked for.
    """
    place = registry if "://" in registry else str(Path(registry).resolve())
    origin = Origin(place, str(trusted_keys.resolve()), 0)
    return origin, Follower(origin).published


def judged_by(
    rulebook: Path | None, registry: str | None, trusted_keys: Path | None
) -> tuple[Path, Origin | None, Shelf]:
    """What a run judges by: a folder (None for the shipped sample) with no origin, or what a registry holds now.

    Raises CorridorError if nothing is fit, or both are given.
    """
    check_place(rulebook, registry, trusted_keys)
    folder = (rulebook or sample_path()).resolve()
    if registry is not None and trusted_keys is not None:
        return folder, *published(registry, trusted_keys)
    return folder, None, Shelf.load(folder)


def followed(origin: Origin, topics: Topics, histories: tuple[tuple[str, str], ...]) -> Origin:
    """The same for workers that go on looking, and refuse what asks for more than the plan's histories.

    Raises InputError if the key of the audit log cannot be opened here; on a cluster it is on the workers' machines.
    """
    audit, key = (str(path.resolve()) if path else None for path in (topics.audit, topics.audit_key))
    if audit and key and not submitted():
        open_private(Path(key), os.environ.get(PASSPHRASE, ""), Trust.load(Path(origin.trusted)))
    asked = tuple("/".join(pair) for pair in histories) if topics.histories else None
    return replace(origin, poll_s=topics.registry_poll_s, histories=asked, audit=audit, audit_key=key)
