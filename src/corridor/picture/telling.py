"""How an episode of the detector becomes an anomaly: what was observed and expected, its band, who contributed."""

from dataclasses import dataclass, replace
from typing import Any, Final, Literal

import numpy as np
from numpy.typing import NDArray

from corridor.kernels.bands import count_bands, share_tails
from corridor.kernels.watch_layout import (
    COUNT,
    FORM,
    GRADE,
    LAST,
    LEVEL,
    LOW,
    SCORE,
    SHARE,
    SINCE,
    SLOW_LOW,
    START,
    TOLD,
    WINDOWS,
    M,
    N,
    S,
    X,
)
from corridor.messages.anomaly import Anomaly, EpisodeState, episode_id
from corridor.messages.moment_text import rfc3339
from corridor.picture.changes import cell_name, cell_of
from corridor.picture.fitting import REGULAR
from corridor.picture.hourly import BIN, MIXES, ORIGINS, PAIRS, PRICE, SERVICE
from corridor.picture.norms import BAND_TAIL, PictureNorms
from corridor.picture.series import AUTOMATIC, CONTROLS, Rows
from corridor.picture.state import State

Array = NDArray[Any]

CONTRIBUTORS: Final = 3
A_KG: Final = 10.0
"""From minor units a gram to units of the currency a kilogram."""
MOST_COUNTED: Final = 20_000
"""Of more declarations a share's band is that of so many: it is no wider."""
_TRACKS: Final = ("drop", "spike", "slow drop", "slow rise")
Closing = Literal["norms", "gap"]
"""Why an episode is closed that did not come to its end: norms that do not know it, days without anything."""


@dataclass(frozen=True)
class Look:
    """What an anomaly is told from: rows, state and the sums of the newest bin, float64[S, 9, 4]."""

    rows: Rows
    state: State
    sums: Array
    norms: PictureNorms
    version: str | None


def of_episode(look: Look, row: int, track: int, at: int, state: Any) -> Anomaly:
    """One event of row's episode on a track at the end of bin `at`; state: opened, worsened or closed."""
    dimension, value = cell_of(look.rows.names[row])
    episode = look.state.memory.episodes[row, track]
    of_kind = int(look.rows.kinds.kind[row])
    figures = _price if of_kind == LEVEL else _share if of_kind == SHARE else _count
    numbers, evidence = figures(look, row, track, episode)
    since = int(episode[SINCE])
    evidence["contributors"] = _contributors(look, row, track, episode)
    if track >= SLOW_LOW:
        evidence["since"] = rfc3339(int(episode[START]) * BIN)
    start = int(episode[SINCE] // 288 * 288 if track >= SLOW_LOW else episode[START]) * BIN
    office = value.rpartition("/")[0] if dimension in PAIRS else value
    at_office = dimension in ("office", AUTOMATIC, CONTROLS, *PAIRS)
    of = {REGULAR: ("importer", value), ORIGINS: ("service", SERVICE)}.get(dimension, (dimension, value))
    return Anomaly(
        kind=_kind(dimension, track, episode),
        severity="critical" if episode[GRADE] else "warning",
        subject=("office", office) if at_office else of,
        office=office if at_office else None,
        event_time=(at + 1) * BIN,
        score=round(float(episode[SCORE]), 2),
        start=start,
        stop=(int(episode[LAST]) + 1) * BIN,
        key=_key(evidence),
        evidence=evidence,
        rulebook=look.version,
        episode=_episode(look.rows.names[row], _TRACKS[track], since, state),
        **numbers,
    )


def of_end(look: Look, row: int, track: int, at: int, why: Closing) -> Anomaly:
    """The end in bin `at` of an episode that nobody looks at again; without a norm there is no band."""
    told = of_episode(look, row, track, at, "closed")
    without = why == "norms" and int(look.rows.kinds.kind[row]) != COUNT
    return ended_by(replace(told, low=None, high=None) if without else told, why)


def ended_by(told: Anomaly, why: Closing) -> Anomaly:
    """The same, and why it ends."""
    return replace(told, evidence=told.evidence | {"closed_by": why})


def _episode(name: str, track: str, since: int, state: Any) -> EpisodeState:
    opened_at = (since + 1) * BIN
    return EpisodeState(episode_id(name, track, opened_at), state, opened_at)


def _kind(dimension: str, track: int, episode: Array) -> str:
    if dimension == PRICE:
        return "picture.price_shift"
    if dimension == REGULAR:
        return "participant.silence"
    if dimension not in ("service", "office"):
        return "picture.share_shift"
    if track >= SLOW_LOW:
        return "picture.level_shift" if episode[FORM] else "picture.slow_shift"
    return ("picture.silence" if episode[FORM] else "picture.drop") if track == LOW else "picture.spike"


def _key(evidence: dict[str, Any]) -> str:
    return f"{evidence['dimension']} {evidence['value']}" if "dimension" in evidence else ""


def _count(look: Look, row: int, track: int, episode: Array) -> tuple[dict[str, float], dict[str, Any]]:
    x, m, s = (float(episode[TOLD + c]) for c in (X, M, S))
    low, high = count_bands(m, (s / max(m, 1e-9)) ** 2, BAND_TAIL)
    return {"observed": x, "expected": round(m, 3), "low": float(low[0]), "high": float(high[0])}, {}


def _share(look: Look, row: int, track: int, episode: Array) -> tuple[dict[str, float], dict[str, Any]]:
    """Shares with their band; of what is stopped at an office the rest is told, which is what was released."""
    dimension, value = cell_of(look.rows.names[row])
    x, n, m = (float(episode[TOLD + c]) for c in (X, N, M))
    rho = float(look.rows.kinds.parameter[row, 0])
    n, usual = max(n, 1.0), min(max(m / max(n, 1.0), 1e-6), 1 - 1e-6)
    total = int(min(n, MOST_COUNTED))
    lower, upper = share_tails(np.arange(total + 1), total, usual, rho)
    low = int(np.argmax(10.0**lower >= BAND_TAIL)) / total
    high = (total - int(np.argmax((10.0**upper >= BAND_TAIL)[::-1]))) / total
    told = {"observed": x / n, "expected": usual, "low": low, "high": high}
    if dimension == CONTROLS:
        told = {"observed": 1 - x / n, "expected": 1 - usual, "low": 1 - high, "high": 1 - low}
        x = n - x
    what = dimension.partition("/")[2] or "corridor"
    category = value.rpartition("/")[2] if dimension in MIXES else "green and blue"
    evidence = {"dimension": what, "value": category, "declarations": int(x), "of": int(n)}
    return {name: round(number, 4) for name, number in told.items()}, evidence


def _price(look: Look, row: int, track: int, episode: Array) -> tuple[dict[str, float], dict[str, Any]]:
    chapter, _, origin = cell_of(look.rows.names[row])[1].partition("/")
    x, n, m = (float(episode[TOLD + c]) for c in (X, N, M))
    between, within = look.rows.kinds.parameter[row]
    spread = 2.576 * (between**2 + within**2 / max(n, 1.0)) ** 0.5
    usual = m / max(n, 1.0)
    logs = {"observed": x / max(n, 1.0), "expected": usual, "low": usual - spread, "high": usual + spread}
    told = {name: round(float(np.exp(log)) * A_KG, 2) for name, log in logs.items()}
    return told, {"dimension": "origin_chapter", "value": f"{origin}/{chapter}", "declarations": int(n)}


def _contributors(look: Look, row: int, track: int, episode: Array) -> list[dict[str, Any]]:
    """The rows below this one that changed most on its side: offices of the service, the mix of an office."""
    dimension, value = cell_of(look.rows.names[row])
    length = episode[LAST] - episode[START] + 1
    window = next((w for w, bins in enumerate(WINDOWS) if bins >= length), len(WINDOWS) - 1)
    side = 1.0 if track % 2 else -1.0
    office = value.rpartition("/")[0] if dimension in MIXES else value
    if dimension == "service":
        below = np.flatnonzero(look.rows.kinds.office)
        usual = look.sums[below, window, M]
    elif dimension == "office" or dimension in MIXES:
        home = look.rows.at.get(cell_name("service" if dimension == ORIGINS else "office", office), -1)
        below = np.flatnonzero(look.rows.office == home) if home >= 0 else np.zeros(0, np.int64)
        if dimension in MIXES:
            below = (
                below[[look.rows.names[i].startswith(f"{dimension}:") for i in below]]
                if len(below)
                else below
            )
            usual = look.sums[below, window, M]
        else:
            usual = look.rows.share[below] * look.sums[home, window, M]
    else:
        return []
    return _largest(look.rows.names, below, look.sums[below, window, X], usual, side)


def _largest(
    names: list[str], below: Array, observed: Array, usual: Array, side: float
) -> list[dict[str, Any]]:
    change = (observed - usual) * side
    told = []
    for i in np.argsort(-change, kind="stable")[:CONTRIBUTORS]:
        if change[i] > 0:
            dimension, value = cell_of(names[below[i]])
            if dimension in MIXES:
                dimension, value = dimension.partition("/")[2], value.rpartition("/")[2]
            numbers = {"observed": float(observed[i]), "expected": round(float(usual[i]), 2)}
            told.append({"dimension": dimension, "value": value} | numbers)
    return told


def effect(rows: Rows, row: int, track: int, episode: Array) -> dict[str, Any]:
    """What a burst does to an office, in short."""
    dimension, value = cell_of(rows.names[row])
    if dimension not in PAIRS:
        return {"kind": "picture.spike", "office": value, "observed": float(episode[TOLD + X])}
    office, _, category = value.rpartition("/")
    share = round(float(episode[TOLD + X] / max(episode[TOLD + N], 1.0)), 4)
    told = {"kind": "picture.share_shift", "office": office, "observed": share}
    return told | {"dimension": dimension.partition("/")[2], "value": category}


def of_burst(state: State, name: str, at: int, event: Any, version: str | None) -> Anomaly:
    """One event of an importer's burst."""
    found = state.bursts[name]
    low, high = count_bands(found["mean"], found.get("spread", 1.0), BAND_TAIL)
    return Anomaly(
        kind="participant.burst",
        severity="critical" if found["score"] >= 12.0 else "warning",
        subject=("importer", name),
        office=None,
        event_time=(at + 1) * BIN,
        observed=found["n"],
        expected=round(found["mean"], 3),
        low=float(low[0]),
        high=float(high[0]),
        score=round(found["score"], 2),
        start=found["start"] * BIN,
        stop=(found["last"] + 1) * BIN,
        evidence={"contributors": [], "effects": list(found["effects"])},
        rulebook=version,
        episode=_episode(f"importer:{name}", "burst", found["since"], event),
    )


def of_newcomer(
    state: State, name: str, at: int, event: Any, norms: PictureNorms, version: str | None
) -> Anomaly:
    """One event of a newcomer's day; nothing is expected by norms that know no first days."""
    day, usual = state.newcomers[name], norms.importers.get("newcomer_value")
    return Anomaly(
        kind="participant.newcomer",
        severity="info",
        subject=("importer", name),
        office=None,
        event_time=(at + 1) * BIN,
        observed=day["value"] / 100,
        expected=round(usual[0] / 100, 2) if usual else None,
        score=round(day["score"], 2),
        start=day["start"] * BIN,
        stop=(day["last"] + 1) * BIN,
        evidence={"declarations": day["n"], "contributors": []},
        rulebook=version,
        episode=_episode(f"importer:{name}", "newcomer", day["since"], event),
    )
