"""Slow twins of corridor.picture: sums of windows and the fitted mix, in plain Python."""

import math


def surprise(observed, mean, dispersion, window, tails):
    """-log10 of the tail of each trailing window's sum, hour by hour; `tails` from naive.bands."""
    out = []
    for t in range(len(observed)):
        hours = range(max(0, t - window + 1), t + 1)
        x = sum(observed[h] for h in hours)
        m = sum(mean[h] for h in hours)
        a = (sum(mean[h] * math.sqrt(dispersion[h]) for h in hours) / m) ** 2
        out.append([-math.log10(max(p, 1e-300)) for p in tails(x, m, a)])
    return out


def hourly(declarations):
    """Totals as dicts from declarations given as plain dicts: (hour, dimension, value) -> counts."""
    out = {}

    def add(hour, dimension, value, items, amount):
        row = out.setdefault((hour, dimension, value), [0, 0, 0])
        row[0] += 1
        row[1] += items
        row[2] += amount

    for d in declarations:
        if d["function"] != "original":
            continue
        hour = d["registered_at"] // 3_600_000_000 * 3_600_000_000
        amount = sum(max(i["customs_value"], 0) for i in d["items"])
        for dimension, value in (("service", "all"), ("office", d["office"]), ("importer", d["importer"])):
            add(hour, dimension, value, len(d["items"]), amount)
        for pair, name in (("office/origin_country", "origin_country"), ("office/hs_chapter", "hs_chapter")):
            for category in {i[name] for i in d["items"]}:
                own = [i for i in d["items"] if i[name] == category]
                value = f"{d['office']}/{category}"
                add(hour, pair, value, len(own), sum(max(i["customs_value"], 0) for i in own))
    return out
