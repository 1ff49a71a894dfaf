"""Slow twin of corridor.picture.hourly: totals of the declarations, in plain Python."""

BIN, HOUR = 300_000_000, 3_600_000_000


def hourly(declarations):
    """Totals as dicts from declarations given as plain dicts: (hour, dimension, value) -> counts."""
    out = {}

    def add(at, dimension, value, items, amount):
        step = BIN if dimension in ("service", "office") else HOUR
        hour = at // step * step
        row = out.setdefault((hour, dimension, value), [0, 0, 0])
        row[0] += 1
        row[1] += items
        row[2] += amount

    for d in declarations:
        if d["function"] != "original":
            continue
        at = d["registered_at"]
        amount = sum(max(i["customs_value"], 0) for i in d["items"])
        for dimension, value in (("service", "all"), ("office", d["office"]), ("importer", d["importer"])):
            add(at, dimension, value, len(d["items"]), amount)
        for pair, name in (("office/origin_country", "origin_country"), ("office/hs_chapter", "hs_chapter")):
            for category in {i[name] for i in d["items"]}:
                own = [i for i in d["items"] if i[name] == category]
                value = f"{d['office']}/{category}"
                add(at, pair, value, len(own), sum(max(i["customs_value"], 0) for i in own))
    return out
