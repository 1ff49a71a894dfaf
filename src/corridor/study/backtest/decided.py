"""The decisions of a run, read back: what was decided then, or a back-test that went through the decide job itself."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

from corridor.errors import InputError
from corridor.messages.columns import CORRIDORS, DIRECTIONS, FUNCTIONS
from corridor.rulebook.groups import BASES, GROUPS
from corridor.study.backtest.judging import VERDICT, unjudged


class _Reason(msgspec.Struct, frozen=True, gc=False):
    group: str


class _Item(msgspec.Struct, frozen=True, gc=False):
    corridor: str


class _Decision(msgspec.Struct, frozen=True, gc=False):
    """The part of decision.v1 that a report takes."""

    declaration_id: str
    version: int
    function: str
    registered_at: str
    office: str
    direction: str
    corridor: str
    probability: float
    expected_loss: float
    basis: str
    inclusion_probability: float
    selected_at_random: bool
    payments: float
    rulebook: str
    item_count: int
    reasons: list[_Reason]
    items: list[_Item]

    @property
    def targeted(self) -> str:
        """The corridor but for the random control group; of those drawn that of the worst item, the least it was."""
        if self.basis != "random" or not self.items:
            return self.corridor
        return max((item.corridor for item in self.items), key=CORRIDORS.index)


_decode = msgspec.json.Decoder(_Decision).decode


def is_run(path: Path) -> bool:
    """Whether a folder is the output of `corridor run decide`."""
    return (path / "decisions").is_dir()


def read_decisions(run: Path) -> tuple[pl.DataFrame, str]:
    """The decisions in the output folder of `corridor run decide`, and which rulebooks made them.

    Columns: declaration_id, version, function, registered_at (microseconds), office, direction, payments and
    expected_loss (national currency), items, and those of VERDICT. Raises InputError where there are none, or naming the
    line that is none.
    """
    if not is_run(run):
        raise InputError(f"{run} has no folder decisions: give the output folder of `corridor run decide`")
    files = sorted((run / "decisions").glob("*.ndjson"))
    books: set[str] = set()
    frames = [_frame(list(_lines(path)), books) for path in files]
    frames = [frame for frame in frames if len(frame)]
    if not frames:
        raise InputError(f"{run}/decisions holds no decision: give a run that decided something")
    whole = pl.concat(frames).unique(["declaration_id", "version"], keep="first", maintain_order=True)
    return whole, ", ".join(sorted(books))


def _lines(path: Path) -> Iterator[_Decision]:
    with path.open("rb") as file:
        for number, line in enumerate(file, 1):
            try:
                yield _decode(line)
            except (msgspec.MsgspecError, UnicodeDecodeError) as error:
                raise InputError(
                    f"{path}, line {number} is no decision.v1: {error}; give what `corridor run decide` wrote"
                ) from None


def _frame(decided: list[_Decision], books: set[str]) -> pl.DataFrame:
    books.update(one.rulebook for one in decided)
    of: dict[str, list[Any]] = {
        name: [getattr(one, name) for one in decided]
        for name in ("declaration_id", "version", "office", "payments", "expected_loss", "probability")
    }
    frame = pl.DataFrame(
        of, schema_overrides={"declaration_id": pl.String, "office": pl.String}
    ).with_columns(
        registered_at=_times([one.registered_at for one in decided]),
        items=pl.Series([one.item_count for one in decided], dtype=pl.Int64),
        at_random=pl.Series([one.selected_at_random for one in decided], dtype=pl.Boolean),
        inclusion=pl.Series([one.inclusion_probability for one in decided], dtype=pl.Float64),
        function=_index("function", FUNCTIONS, [one.function for one in decided]),
        direction=_index("direction", DIRECTIONS, [one.direction for one in decided]),
        corridor=_index("corridor", CORRIDORS, [one.corridor for one in decided]),
        targeted=_index("corridor", CORRIDORS, _told(decided)),
        basis=_index("basis", BASES, [one.basis for one in decided]),
        group=_index("group", GROUPS, [one.reasons[0].group if one.reasons else None for one in decided]),
    )
    money = [pl.col(name).cast(pl.Float64) for name in ("payments", "expected_loss", "probability")]
    return frame.with_columns(pl.col("version").cast(pl.Int32), *money)


def _told(decided: list[_Decision]) -> list[str | None]:
    strange = {item.corridor for one in decided for item in one.items} - set(CORRIDORS)
    if strange:
        raise InputError(
            f"an item has the corridor {min(strange)!r}; it must be one of {', '.join(CORRIDORS)}"
        )
    return [one.targeted for one in decided]


def _times(texts: list[str]) -> pl.Series:
    moments = pl.Series(texts, dtype=pl.String).str.to_datetime(
        "%+", time_unit="us", time_zone="UTC", strict=False
    )
    if moments.null_count():
        wrong = texts[int(np.flatnonzero(moments.is_null().to_numpy())[0])]
        raise InputError(f"a decision has the time {wrong!r}; give RFC 3339, as 2026-11-22T08:15:30.123Z")
    return moments.cast(pl.Int64)


def _index(name: str, names: tuple[str, ...], texts: list[str | None]) -> pl.Series:
    """int8: place among the names, -1 for None."""
    at: dict[str | None, int] = {text: i for i, text in enumerate(names)} | {None: -1}
    try:
        return pl.Series([at[text] for text in texts], dtype=pl.Int8)
    except KeyError as error:
        raise InputError(f"a decision has {name} {error}; it must be one of {', '.join(names)}") from None


def verdicts_by_row(decided: pl.DataFrame, identity: pl.DataFrame, n: int) -> tuple[NDArray[np.void], int]:
    """VERDICT[n] of a history's rows, -1 where there is no decision; and how many decisions speak of no row.

    identity: declaration_id, version, row of what may have been decided.
    """
    joined = decided.join(identity, on=["declaration_id", "version"], how="inner")
    rows, out = joined["row"].to_numpy(), unjudged(n)
    for name in VERDICT.names or ():
        values = joined[name].to_numpy()
        out[name][rows] = np.rint(values * 100) if name == "expected_loss" else values
    return out, len(decided) - len(joined)
