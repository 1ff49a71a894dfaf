"""From verdicts on each declaration to the figures of the report."""

from collections.abc import Iterable
from typing import Final

import numpy as np
import polars as pl
from numpy.typing import NDArray

from corridor.messages.columns import CORRIDORS, Array
from corridor.rulebook.groups import GROUPS
from corridor.study.backtest.capacity import Capacity
from corridor.study.backtest.content import (
    Counts,
    Inspected,
    Load,
    Move,
    Office,
    Results,
    RuleLine,
    Rules,
    Side,
    SideEstimates,
    Unbiased,
)
from corridor.study.backtest.estimate import Estimate, Sums, ratio, share, weighted
from corridor.study.backtest.moves import PARTS, Moves
from corridor.study.backtest.rules import CONTROL, Tally
from corridor.study.measure import inspections

HOUR_US: Final = 3_600_000_000
TOP: Final = 5
EXAMPLES: Final = 3
MAPPED: Final = 30
"""Rules in the overlap's map, the commonest."""


def counts(frame: pl.DataFrame, corridor: str) -> Counts:
    """Declarations by corridor; `corridor`: the column."""
    green, blue, yellow, red = np.bincount(frame[corridor].to_numpy(), minlength=4).tolist()
    return green, blue, yellow, red


def matrix(frame: pl.DataFrame) -> list[list[int]]:
    """Declarations by their corridor then (rows) and now (columns)."""
    cells = frame["corridor_then"].to_numpy().astype(np.int64) * 4 + frame["corridor"].to_numpy()
    table: list[list[int]] = np.bincount(cells, minlength=16).reshape(4, 4).tolist()
    return table


def moves_told(found: Moves, frame: pl.DataFrame, compared: bool) -> list[Move]:
    """The moves by their corridors, most declarations first.

    frame: with the columns row, declaration_id, version and payments of what moved; compared: whether the
    rulebooks then are known, so that their parts can be exchanged.
    """
    moved = pl.DataFrame({name: found.moved[name].copy() for name in found.moved.dtype.names or ()})
    moved = moved.join(frame.select("row", "declaration_id", "version", "payments"), on="row", how="left")
    told = []
    for (then, now), part in sorted(moved.group_by("then", "now"), key=lambda cell: (-len(cell[1]), cell[0])):
        group = part["group_now" if now > then else "group_then"].to_numpy()
        enough = part["enough"].to_numpy()
        rules = [
            (n, spoken) for spoken, n in found.spoken.items() if (spoken.then, spoken.now) == (then, now)
        ]
        rules.sort(key=lambda one: (-one[0], one[1].rule))
        largest = part.sort(["payments", "declaration_id", "version"], descending=[True, False, False]).head(
            EXAMPLES
        )
        told.append(
            Move(
                then=CORRIDORS[then],
                now=CORRIDORS[now],
                declarations=len(part),
                payments=float(part["payments"].sum()),
                enough={name: int((enough >> k & 1).sum()) for k, name in enumerate(PARTS)}
                if compared
                else None,
                together=int((enough == 0).sum()) if compared else None,
                groups=_groups(group),
                rules=[(spoken.rule, spoken.speaks_now, n) for n, spoken in rules[:TOP]],
                examples=[_name(*row) for row in largest.select("declaration_id", "version").iter_rows()],
            )
        )
    return told


def _name(declaration_id: str, version: int) -> str:
    return declaration_id if version == 1 else f"{declaration_id}, version {version}"


def _groups(group: Array) -> dict[str, int]:
    found = np.bincount(group[group >= 0], minlength=len(GROUPS))
    ranked = sorted(np.flatnonzero(found).tolist(), key=lambda g: (-found[g], g))
    return {GROUPS[g]: int(found[g]) for g in ranked[:TOP]}


def offices(frame: pl.DataFrame, capacity: Capacity | None, compared: bool) -> list[Office]:
    """Controls of each office by the hour, against its capacity; most controls first."""
    sides = ["corridor", *(["corridor_then"] if compared else [])]
    hourly = (
        frame.select("office", *sides, hour=pl.col("registered_at") // HOUR_US)
        .group_by("office", "hour")
        .agg(pl.len(), *((pl.col(side) >= CONTROL).sum().alias(f"{side}_controls") for side in sides))
    )
    told = []
    for (code,), part in hourly.group_by("office"):
        limits = capacity.of(str(code)) if capacity else np.full(24, np.nan)
        hour = part["hour"].to_numpy()
        limit = limits[hour % 24]
        controls = [part[f"{side}_controls"].to_numpy().astype(np.int64) for side in sides]
        loads = [_load(of, limit) for of in controls]
        days = len(np.unique(hour // 24))
        told.append(
            Office(
                code=str(code),
                declarations=int(part["len"].sum()),
                now=loads[0],
                then=loads[1] if compared else None,
                capacity=float(np.nanmean(limits)) if np.isfinite(limits).any() else None,
                hours=int(np.isfinite(limit).sum()),
                clock=(np.bincount(hour % 24, controls[0], 24) / days).tolist(),
                limits=limits.tolist(),
            )
        )
    return sorted(told, key=lambda office: (-office.now.controls, office.code))


def _load(controls: NDArray[np.int64], limit: NDArray[np.float64]) -> Load:
    beyond = np.maximum(controls - np.where(np.isnan(limit), np.inf, limit), 0.0)
    return Load(
        int(controls.sum()), int(controls.max(initial=0)), int((beyond > 0).sum()), int(np.ceil(beyond).sum())
    )


def results(frame: pl.DataFrame, items: int, unmatched: int, compared: bool) -> Results:
    """What was found, of the newest versions. frame: with newest, inspected, hit, recovered."""
    newest = frame.filter("newest")
    seen = newest.filter("inspected")
    hit, recovered = seen["hit"].to_numpy(), seen["recovered"].to_numpy()
    return Results(
        items=items,
        declarations=len(seen),
        hits=int(hit.sum()),
        unmatched=unmatched,
        by_corridor=[_inspected(newest, index) for index in range(len(CORRIDORS))],
        now=_side(newest, seen, "targeted"),
        then=_side(newest, seen, "targeted_then") if compared else None,
        ranking=inspections(seen["expected_loss"].to_numpy(), hit, recovered) if len(seen) else [],
        unbiased=unbiased(newest, compared),
    )


def _inspected(newest: pl.DataFrame, corridor: int) -> Inspected:
    part = newest.filter(pl.col("corridor") == corridor)
    seen = part.filter("inspected")
    hits = int(seen["hit"].sum())
    found = share(hits, len(seen))
    return Inspected(CORRIDORS[corridor], len(part), len(seen), hits, found, float(seen["recovered"].sum()))


def _side(newest: pl.DataFrame, seen: pl.DataFrame, targeted: str) -> Side:
    control, hit = seen[targeted].to_numpy() >= CONTROL, seen["hit"].to_numpy()
    recovered = seen["recovered"].to_numpy()
    controls, caught = int((newest[targeted] >= CONTROL).sum()), int((control & hit).sum())
    return Side(
        share(caught, int(control.sum())),
        share(caught, int(hit.sum())),
        float(recovered[control].sum() / recovered.sum()) if recovered.sum() > 0 else float("nan"),
        int(control.sum()) / controls if controls else float("nan"),
    )


def unbiased(newest: pl.DataFrame, compared: bool) -> Unbiased:
    """The estimates by the random control group of then: Horvitz-Thompson over those of it that have results.

    Everybody in it is controlled, having been drawn, so only what was targeted besides tells of a rulebook.
    """
    of = "_then" if compared else ""
    chance = newest[f"inclusion{of}"].to_numpy()
    drawn = newest[f"at_random{of}"].to_numpy() & (chance > 0)
    sample = newest.filter(pl.Series(drawn) & pl.col("inspected"))
    pi, hit = sample[f"inclusion{of}"].to_numpy(), sample["hit"].to_numpy()
    recovered = sample["recovered"].to_numpy()

    def side(targeted: str) -> SideEstimates:
        control = sample[targeted].to_numpy() >= CONTROL
        return SideEstimates(
            weighted(Sums.of(hit[control], pi[control])),
            weighted(Sums.of(control[hit], pi[hit])),
            ratio(np.where(control, recovered, 0.0), recovered, pi),
        )

    return Unbiased(
        drawn=int(drawn.sum()),
        inspected=len(sample),
        reach=float((chance > 0).mean()) if len(newest) else float("nan"),
        violations=weighted(Sums.of(hit, pi)),
        now=side("targeted"),
        then=side("targeted_then") if compared else None,
    )


def rules(tally: Tally) -> Rules:
    """A line for each rule, and the overlap of the commonest."""
    own = np.diagonal(tally.overlap.together)
    lines = [_line(tally, r, int(own[r])) for r in range(len(tally.rules))]
    most = [r for r in np.argsort(-own, kind="stable").tolist() if own[r]][:MAPPED]
    most.sort(key=lambda r: (tally.rules[r].group, tally.rules[r].id))
    together = tally.overlap.together[np.ix_(most, most)]
    either = own[most][:, None] + own[most][None, :] - together
    names = [tally.rules[r].id for r in most]
    return Rules(lines, names, (together / np.maximum(either, 1)).tolist())


def _line(tally: Tally, r: int, hits: int) -> RuleLine:
    rule, (seen, found, *drawn) = tally.rules[r], tally.labelled[r].tolist()
    return RuleLine(
        id=rule.id,
        title=rule.title,
        group=rule.group,
        response=rule.response,
        hits=hits,
        rate=hits / tally.items if tally.items else float("nan"),
        unique=int(tally.overlap.alone[r]),
        declarations=int(tally.overlap.declarations[r]),
        precision=share(int(found), int(seen)),
        unbiased=_of_drawn(drawn),
        needed=int(tally.needed[r]),
        spared=int(tally.spared[r]),
    )


def _of_drawn(sums: Iterable[float]) -> Estimate:
    return weighted(Sums(*sums))
