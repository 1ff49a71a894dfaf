import json

import numpy as np

from corridor.messages.declaration import decode
from corridor.picture.hourly import HOUR, Hourly, hourly, merge
from tests.naive import episodes

MIDNIGHT = 1_790_035_200_000_000


def declaration(i, rng):
    items = [
        {
            "item_no": k + 1,
            "hs_code": f"{rng.choice([8517, 6109, 203]):04d}120000",
            "customs_value": 10.25 * k,
        }
        | {"origin_country": str(rng.choice(["CN", "DE"]))}
        for k in range(rng.integers(1, 5))
    ]
    return {
        "declaration_id": f"1/{i}",
        "version": 1,
        "function": "original" if i % 5 else "amendment",
        "registered_at": f"2026-09-22T{rng.integers(0, 24):02d}:{rng.integers(0, 60):02d}:00Z",
        "office": str(rng.choice(["10131010", "A/1"])),
        "direction": "import",
        "procedure": "40",
        "transport_mode": 3,
        "declarant": "77",
        "importer": str(rng.choice(["5012345678", "77"])),
        "items": items,
    }


def naive_form(d):
    hour, minute = int(d["registered_at"][11:13]), int(d["registered_at"][14:16])
    items = [
        {
            "origin_country": i["origin_country"],
            "hs_chapter": i["hs_code"][:2],
            "customs_value": round(i["customs_value"] * 100),
        }
        for i in d["items"]
    ]
    return {**d, "registered_at": MIDNIGHT + (hour * 60 + minute) * 60_000_000, "items": items}


def rows(totals):
    columns = zip(
        totals.hour, totals.dimension, totals.value, totals.declarations, totals.items, totals.customs_value,
        strict=True,
    )  # fmt: skip
    return {(int(h), d, v): [int(x) for x in rest] for h, d, v, *rest in columns}


def test_totals_equal_the_slow_twin_whole_and_in_batches():
    rng = np.random.default_rng(4)
    day = [declaration(i, rng) for i in range(300)]
    expected = episodes.hourly([naive_form(d) for d in day])
    payloads = [json.dumps(d).encode() for d in day]
    whole = hourly(decode(payloads, MIDNIGHT).declarations)
    assert rows(whole) == expected
    parts = [hourly(decode(payloads[i : i + 37], MIDNIGHT).declarations) for i in range(0, 300, 37)]
    assert rows(merge(parts)) == expected


def test_corridors_are_counted_where_they_are_given():
    rng = np.random.default_rng(5)
    batch = decode([json.dumps(declaration(i, rng)).encode() for i in range(40)], MIDNIGHT).declarations
    corridor = np.arange(40, dtype=np.int8) % 4
    totals = hourly(batch, corridor)
    service = totals.where(totals.dimension == "service")
    assert sum(getattr(service, c).sum() for c in ("green", "blue", "yellow", "red")) == 32
    assert service.declarations.sum() == 32


def test_an_empty_batch_has_no_totals():
    batch = decode([], MIDNIGHT).declarations
    assert len(hourly(batch).hour) == 0
    assert len(merge([]).hour) == 0


def test_a_grid_is_zero_filled_and_leaves_out_other_hours():
    totals = Hourly.of([0, 2 * HOUR, 9 * HOUR], ["office"] * 3, ["a", "b", "a"], {"declarations": [1, 2, 3]})
    names, (table,) = totals.grid("office", 0, 4)
    assert names == ["a", "b"]
    assert table.tolist() == [[1, 0, 0, 0], [0, 0, 2, 0]]
    assert totals.grid("office", 0, 2, step=6)[1][0].tolist() == [[1, 3], [2, 0]]
