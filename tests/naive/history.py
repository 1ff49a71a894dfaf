"""Slow twin of `study.history` and `study.lineage`: each record compared with each other one."""

from datetime import UTC, datetime, timedelta
from typing import Any

from corridor.messages.columns import Declarations

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def _bucket(microseconds: int, bucket: str) -> tuple[int, ...]:
    at = EPOCH + timedelta(microseconds=microseconds)
    if bucket == "week":
        return tuple(at.isocalendar()[:2])
    return (at.toordinal(), at.hour) if bucket == "hour" else (at.toordinal(),)


def records(batch: Declarations) -> list[dict[str, Any]]:
    """Plain records, with the declared value in minor units."""
    out = []
    for i in range(len(batch)):
        head = batch.heads[i]
        values = batch.items["customs_value"][batch.offsets[i] : batch.offsets[i + 1]]
        record = {name: int(head[name]) for name in head.dtype.names}
        out.append({**record, "id": batch.texts(i)[0], "value": sum(int(v) for v in values if v > 0)})
    return out


def standing(rows: list[dict[str, Any]]) -> list[str]:
    """standing, duplicate or conflict, a record."""
    out = [""] * len(rows)
    for i, row in enumerate(rows):
        same = [j for j, r in enumerate(rows) if (r["id"], r["version"]) == (row["id"], row["version"])]
        first = min(same, key=lambda j: (rows[j]["registered_at"], rows[j]["content"], j))
        equal = rows[first]["content"] == row["content"]
        out[i] = "standing" if i == first else "duplicate" if equal else "conflict"
    return out


def history(rows: list[dict[str, Any]], party: str, bucket: str) -> list[tuple[int, int]]:
    """(count, value) a record."""
    stands = standing(rows)
    out = []
    for row in rows:
        mine = [
            r["value"]
            for r, state in zip(rows, stands, strict=True)
            if state == "standing"
            and r["function"] == 0
            and r[party] == row[party] != 0
            and r["registered_at"] <= row["registered_at"]
            and _bucket(r["registered_at"], bucket) == _bucket(row["registered_at"], bucket)
        ]
        out.append((len(mine), sum(mine)))
    return out
