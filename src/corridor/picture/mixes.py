"""How the norms of shares are estimated: mixes of origins and chapters, and what is released automatically.

Rows as in fitting.py, slot 0 of working days and 1 of weekends and holidays: where an office works on those, its goods
are others. Sources: moments of the beta-binomial (Johnson, Kemp, Kotz 2005, section 6.9.2); credibility (Buehlmann 1967).
"""

from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from corridor.messages.columns import CORRIDORS
from corridor.picture.calendar import free_days
from corridor.picture.fitting import SEEN_AT_LEAST, Row, winsorised
from corridor.picture.hourly import HOUR, ORIGINS, PAIRS, SERVICE, Hourly

Array = NDArray[Any]

PRIOR: Final = 20.0
"""An office's mix starts as if so many declarations with the service's mix had been seen, a class of days with its own."""


def shares(totals: Hourly, first: int, days: int, country: str = "") -> list[Row]:
    """Norms of the mix of origins and chapters at each office, of the service's origins, and of automatic shares."""
    values, (table,) = totals.grid("office", first, days * 24)
    offices = dict(zip(values, table, strict=True))
    free = free_days(first // (24 * HOUR) + np.arange(days), country)
    rows: list[Row] = []
    for pair in PAIRS:
        names, (hits,) = totals.grid(pair, first, days * 24)
        split = [name.rpartition("/") for name in names]
        category = np.array([s[2] for s in split], object)
        office = np.array([s[0] for s in split], object)
        everywhere = sum(series.sum() for series in offices.values())
        service = {c: hits[category == c].sum() / everywhere for c in np.unique(category)}
        for name, series in offices.items():
            rows += _mix((pair, name), hits[office == name], series, category[office == name], service, free)
        if pair == PAIRS[0]:
            rows += _service(rows, hits, category, offices, free)
    return rows + _automatic(totals, first, days, free)


def _service(
    rows: list[Row], hits: Array, category: Array, offices: dict[str, Array], free: Array
) -> list[Row]:
    """Rows of the service's origins: how they scatter about what the offices' own mixes expect of their declarations.

    rows: of the offices; hits: float64[k, hours], of an office and a category each; category: object[k].
    """
    kinds, of = np.unique(category, return_inverse=True)
    if not len(kinds):
        return []
    every, of_block = np.zeros((len(kinds), hits.shape[1])), np.repeat(free, 4)
    np.add.at(every, of, hits)
    at, usual = {c: i for i, c in enumerate(kinds)}, np.zeros((len(kinds), len(of_block)))
    for _, value, _, slot, _, share, _ in rows:
        office, _, c = value.rpartition("/")
        if c != "*":
            usual[at[c]] += _blocks(offices[office]) * share * (of_block == bool(slot))
    n = _blocks(np.array(list(offices.values())).sum(0))
    rho = _correlation(_blocks(every), n, np.clip(usual / np.maximum(n, 1.0), 1e-9, 1 - 1e-9))
    key, size = (ORIGINS, SERVICE), float(n.sum())
    shares = [(c, float(p)) for c, p in zip(kinds, usual.sum(1) / max(size, 1.0), strict=True)]
    return [(key[0], f"{key[1]}/{c}", "share", slot, size, p, rho) for slot in (0, 1) for c, p in shares]


def _mix(
    key: tuple[str, str], hits: Array, total: Array, category: Array, service: dict[str, float], free: Array
) -> list[Row]:
    """Rows of one office: its categories float64[c, hours], and `*` for those never seen there."""
    usual = np.array([service[c] for c in category])
    share, rho, n = _by_class(hits, total, usual, free)
    size = float(total.sum())
    unseen = [p for c, p in service.items() if c not in set(category)]
    rest = min(max(PRIOR * max(unseen, default=0.0), SEEN_AT_LEAST) / (size + PRIOR), 0.5)
    rows: list[Row] = []
    for slot in (0, 1):
        told = [*zip(category, share[slot], strict=True), ("*", rest)]
        rows += [(key[0], f"{key[1]}/{c}", "share", slot, n[slot], float(p), rho) for c, p in told]
    return rows


def _by_class(hits: Array, total: Array, usual: Array, free: Array) -> tuple[Array, float, list[float]]:
    """Shares float64[2, c] on working and on free days, their correlation, and declarations behind each class.

    hits: float64[c, hours]; total: float64[hours]; usual: float64[c], of the service; free: bool[days]. Shares of a
    class are drawn towards those of all days, these towards the service's.
    """
    blocks, n = _blocks(hits), _blocks(total)
    of_block = np.repeat(free, 4)
    kept, many = np.zeros((2, len(hits))), np.zeros(2)
    for slot in (0, 1):
        own = of_block == bool(slot)
        many[slot] = n[own].sum()
        if own.any():
            kept[slot] = winsorised(blocks[:, own].reshape(len(hits), -1, 4).transpose(1, 0, 2)).sum((0, 2))
    both = (kept.sum(0) + PRIOR * usual) / (many.sum() + PRIOR)
    share = np.clip((kept + PRIOR * both) / (many[:, None] + PRIOR), 1e-6, 1 - 1e-6)
    return share, _correlation(blocks, n, share[of_block.astype(np.int64)].T), [float(m) for m in many]


def _blocks(hourly: Array) -> Array:
    """Sum over six hours: long enough to count in, short enough to see goods that come together."""
    return np.asarray(hourly.reshape(*hourly.shape[:-1], -1, 6).sum(-1))


def _correlation(hits: Array, total: Array, share: Array) -> float:
    """Intra-class correlation of float64[c, blocks] among float64[blocks] about float64[c, blocks], episodes left out."""
    usual, chance = total * share, total * (share * (1 - share))
    rho = 0.05
    for _ in range(3):
        spread = np.sqrt(chance * (1 + (np.maximum(total, 1) - 1) * rho))
        kept = (total >= 2) & (np.abs(hits - usual) <= 4 * spread + 2)
        over = ((hits - usual) ** 2 - chance)[kept].sum()
        rho = float(over / max((chance * (total - 1))[kept].sum(), 1e-9))
        rho = min(max(rho, 1e-3), 0.2)
    return rho


def _automatic(totals: Hourly, first: int, days: int, free: Array) -> list[Row]:
    """Share of green and blue among what was decided, by office; none where nothing was decided."""
    values, tables = totals.grid("office", first, days * 24, CORRIDORS)
    rows: list[Row] = []
    for office, (green, blue, yellow, red) in zip(values, np.stack(tables, 1), strict=True):
        hits, total = green + blue, green + blue + yellow + red
        if total.sum() >= PRIOR:
            usual = np.array([(hits.sum() + 1) / (total.sum() + 2)])
            share, rho, n = _by_class(hits[None], total, usual, free)
            key = "office/automatic", f"{office}/automatic"
            rows += [(*key, "share", slot, n[slot], float(share[slot, 0]), rho) for slot in (0, 1)]
    return rows
