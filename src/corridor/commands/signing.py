"""What every command on a registry takes: its place, the keys that are trusted, the own key and its passphrase."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from corridor.registry.audit import Event
    from corridor.registry.keys import Signer, Trust
    from corridor.registry.registry import Hand

_PATH = click.Path(path_type=Path)


def registry_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --registry."""
    option = click.option(
        "--registry", required=True, metavar="PLACE", envvar="CORRIDOR_STREAM_REGISTRY",
        help="Folder or URL (of fsspec) of the publications; environment: CORRIDOR_STREAM_REGISTRY.",
    )  # fmt: skip
    return option(command)


def trusted_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add --trusted."""
    option = click.option(
        "--trusted", required=True, type=_PATH, metavar="DIR", envvar="CORRIDOR_STREAM_TRUSTED_KEYS",
        help="Folder of trusted public keys; environment: CORRIDOR_STREAM_TRUSTED_KEYS.",
    )  # fmt: skip
    return option(command)


def publishing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add what a person needs who signs a rulebook."""
    options: tuple[Callable[[Any], Any], ...] = (
        registry_option,
        trusted_option,
        click.option("--key", required=True, type=_PATH, metavar="FILE", help="The own private key, NAME.key."),
        click.option("--lead", type=click.IntRange(min=0), metavar="S",
                     help="Seconds that workers have to get it before it takes effect; 600 unless told."),
        click.option("--new-histories", is_flag=True,
                     help="It may ask for histories that running jobs do not keep and so refuse."),
        click.option("--clock", metavar="TIME", help="Publish as of this time: for replays of the past."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def passphrase(confirm: bool = False) -> str:
    """The passphrase of a private key: of the environment, or typed unseen."""
    from corridor.registry.keys import PASSPHRASE  # noqa: PLC0415  # keeps `--help` quick

    told = os.environ.get(PASSPHRASE)
    if told is not None:
        return told
    typed: str = click.prompt("Passphrase", hide_input=True, confirmation_prompt=confirm, err=True)
    return typed


def hand(trusted: Path, key: Path, lead: int | None, new_histories: bool, clock: str | None) -> "Hand":
    """Who publishes, of the options that `publishing_options` adds."""
    from corridor.registry.keys import Trust  # noqa: PLC0415  # keeps `--help` quick
    from corridor.registry.moments import given, now  # noqa: PLC0415
    from corridor.registry.registry import LEAD, Hand  # noqa: PLC0415

    at = None if clock is None else given(clock, "--clock")
    trust = Trust.load(trusted)
    signer = signer_of(key, trust)
    return Hand(
        signer, trust, LEAD if lead is None else lead, new_histories, now if at is None else lambda: at
    )


def signer_of(key: Path, trust: "Trust") -> "Signer":
    """The private key, opened by its passphrase."""
    from corridor.errors import InputError  # noqa: PLC0415
    from corridor.registry.keys import open_private  # noqa: PLC0415

    if not key.is_file():
        raise InputError(
            f"{key}: there is no such file; give the file NAME.key that `corridor keys make` made"
        )
    return open_private(key, passphrase(), trust)


def logged_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add where it is logged that somebody asked for what is restricted."""
    options = (
        click.option(
            "--audit", type=_PATH, metavar="FILE", help="Log who asked; needed where [stream] names one."
        ),
        click.option(
            "--audit-key",
            type=_PATH,
            metavar="FILE",
            help="Private key of an officer or service, to sign it.",
        ),
        click.option(
            "--trusted", "trusted_keys", type=_PATH, metavar="DIR", help="Folder of trusted public keys."
        ),
    )
    for option in reversed(options):
        command = option(command)
    return command


def split_logged(options: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """A command's options without those that `logged_options` added, and these."""
    logged = {name: options[name] for name in ("audit", "audit_key", "trusted_keys")}
    return {name: value for name, value in options.items() if name not in logged}, logged


def log_asked(
    event: "Event", subject: str, details: dict[str, str], config: Path | None, logged: dict[str, Any]
) -> None:
    """Write into the log, if one is named by options, environment or file, that this user asks for what is restricted.

    Raises CorridorError if it cannot be written: then nothing may be shown.
    """
    from corridor.errors import InputError  # noqa: PLC0415
    from corridor.flink.topics import TABLE  # noqa: PLC0415
    from corridor.registry.audit import FileLog, Record, user  # noqa: PLC0415
    from corridor.registry.keys import Trust  # noqa: PLC0415
    from corridor.registry.moments import now  # noqa: PLC0415

    given = TABLE.given(config, os.environ, logged)
    if "audit" not in given:
        return
    if "audit_key" not in given or "trusted_keys" not in given:
        raise InputError(
            f"what is asked here is logged in {given['audit']}: give --audit-key, the key that signs it, and --trusted, "
            "the folder with its public half"
        )
    signer = signer_of(given["audit_key"], Trust.load(given["trusted_keys"]))
    FileLog(given["audit"]).append(Record.of(event, user(), subject, details, now()), signer)
