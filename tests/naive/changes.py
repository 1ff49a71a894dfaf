"""Slow twin of `corridor.picture.changes`: one decision after another, in dictionaries."""

from collections import Counter
from datetime import UTC, datetime

from corridor.kernels.tally import NEVER
from corridor.messages.columns import CORRIDORS, DIRECTIONS
from corridor.messages.sums import label
from corridor.picture.changes import AMOUNTS, MEASURES

MINUTE, DAY, BIN = 60_000_000, 1440, 300_000_000


def sums(decided, cells, i, row=None):
    """One cell's measures of decision i, its goods' row of `cells` where they are a part of it only."""
    of = decided if row is None else cells
    amounts = {name: int(getattr(of, name)[i if row is None else row]) for name in AMOUNTS}
    corridor = {CORRIDORS[int(decided.corridor[i])]: 1}
    flags = {"late": int(decided.late[i]), "flagged": int(decided.flagged[i])}
    return {"declarations": 1} | amounts | corridor | flags


def goods(decided, chapters, origins, i):
    """(dimension, value, sums) of each chapter and origin of decision i."""
    for cells in (chapters, origins):
        for row in range(cells.offsets[i], cells.offsets[i + 1]):
            yield cells.by, label(cells.by, int(cells.key[row])), sums(decided, cells, i, row)


def pairs(decided, goods, i):
    """The same of each pair of origin and chapter."""
    for row in range(goods.pairs.offsets[i], goods.pairs.offsets[i + 1]):
        country, chapter = divmod(int(goods.pairs.key[row]), 100)
        origin = label("origin_country", int(goods.countries[country]))
        value = f"{origin}/{label('hs_chapter', chapter)}"
        yield "origin_chapter", value, sums(decided, goods.pairs, i, row)


def by_minute(decided, of, superseded_at, added=True):
    """Cells of a day alone are told at the end of the hour."""
    total: dict = {}
    for i in range(len(decided.office)):
        if decided.function[i] == 2:
            continue
        own = int(decided.registered_at[i]) // MINUTE
        ways = [(own, 1)] if added else []
        if superseded_at[i] != NEVER:
            last = own // DAY * DAY + DAY - 1
            ways.append((max(own, min(int(superseded_at[i]) // MINUTE, last)), -1))
        heads = [
            ("service", "all", sums(decided, None, i)),
            ("direction", DIRECTIONS[int(decided.direction[i])], sums(decided, None, i)),
            ("corridor", CORRIDORS[int(decided.corridor[i])], sums(decided, None, i)),
            ("office", decided.office[i], sums(decided, None, i)),
            ("transport_mode", str(decided.transport_mode[i]), sums(decided, None, i)),
        ]
        hour = datetime.fromtimestamp(int(decided.registered_at[i]) // 1_000_000, UTC).isoformat()[:13]
        daily = [
            ("hour", hour, sums(decided, None, i)),
            ("office_hour", f"{decided.office[i]}/{hour}", sums(decided, None, i)),
            *pairs(decided, of, i),
        ]
        cells = [(False, *cell) for cell in (*heads, *goods(decided, of.chapters, of.origins, i))]
        for moment, sign in ways:
            for of_a_day, dimension, value, measures in (*cells, *((True, *cell) for cell in daily)):
                at = moment // 60 * 60 + 59 if of_a_day else moment
                cell = total.setdefault((at, f"{dimension}:{value}"), Counter())
                for name, amount in measures.items():
                    cell[name] += sign * amount
    return _rows(total)


def by_bin(decided, chapters, origins, importer):
    total: dict = {}
    for i in range(len(decided.office)):
        if decided.function[i] != 0:
            continue
        heads = [("service", "all"), ("office", decided.office[i]), ("importer", importer[i])]
        cells = [(dimension, value, sums(decided, None, i)) for dimension, value in heads]
        for by, value, measures in goods(decided, chapters, origins, i):
            cells.append((f"office/{by}", f"{decided.office[i]}/{value}", measures))
        for dimension, value, measures in cells:
            key = int(decided.registered_at[i]) // BIN, f"{dimension}:{value}"
            total.setdefault(key, Counter()).update(measures)
    return _rows(total)


def _rows(total):
    return {key: [cell[name] for name in MEASURES] for key, cell in total.items()}
