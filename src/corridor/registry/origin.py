"""Where a job's rulebooks come from; unpickled by workers before they may import anything heavy."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Origin:
    """A registry, as a worker follows it. trusted: folder of public keys; poll_s: between two looks, 0 for one look only.

    histories: "importer/day" and so on, that the job keeps; None if any will do; audit, audit_key: log of this machine
    and the key that signs it (its passphrase comes by the environment), None for no log.
    """

    url: str
    trusted: str
    poll_s: float = 10.0
    histories: tuple[str, ...] | None = None
    audit: str | None = None
    audit_key: str | None = None
