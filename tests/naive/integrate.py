"""Slow twins of the integrator, the choice of corridors and the reasons: a loop over rows each."""

import math


def rounded(p, unit=1e9):
    return math.floor(p * unit + 0.5) / unit


def integrate(hits, rules, p_model, shift, declaration, groups):
    """One (probability, neutral, floor, exempt, nats, mandatory) for each item."""
    rows = []
    for i, model in enumerate(p_model):
        miss, floor, exempt, nats, mandatory = 1.0, 0, False, [0.0] * groups, [False] * groups
        for r, (weight, response, corridor, group) in enumerate(rules):
            if not hits[r][i]:
                continue
            weight = min(weight, 1 - 1e-9)
            if response == 0:
                miss *= 1 - weight
                nats[group] += -math.log1p(-weight)
            elif response in (1, 3):
                floor, mandatory[group] = max(floor, corridor), True
            elif response == 4:
                exempt = True
        model = min(model, 1 - 1e-9) if model > 0 else 0.0
        p = 1 - (1 - model) * miss
        k = math.exp(shift[declaration[i]])
        rows.append((rounded(p * k / (1 - p + p * k)), rounded(p), floor, exempt, nats, mandatory))
    return rows


def corridor(p, thresholds):
    return sum(p >= t for t in thresholds)


def restrained(p, neutral, thresholds):
    lifted = corridor(p, thresholds)
    return 2 if lifted == 3 and corridor(neutral, thresholds) == 0 else lifted


def choose(rows, thresholds, rate, random_corridor, draw, late, cancelled):
    """(corridor, probability, basis, at_random, item corridors) of one declaration with items `rows`."""
    miss = counted = neutral = 1.0
    scored_items, unexempted = [], []
    for p, q, floor, exempt, *_ in rows:
        miss *= 1 - p
        unexempted.append(restrained(p, q, thresholds))
        scored_items.append(max(0 if exempt else unexempted[-1], floor))
        if not exempt:
            counted *= 1 - p
            neutral *= 1 - q
    mandatory = max((row[2] for row in rows), default=0)
    decided = max([restrained(1 - counted, 1 - neutral, thresholds), *scored_items])
    without = max([corridor(1 - miss, thresholds), *unexempted])
    if mandatory and decided == mandatory:
        basis = "mandatory"
    elif without > decided:
        basis = "exempt"
    else:
        basis = "late" if late else "score"
    at_random = draw < rate
    if at_random and random_corridor > decided:
        decided, basis = random_corridor, "random"
    if cancelled:
        decided, basis, at_random, scored_items = 0, "technical", False, [0] * len(rows)
    return decided, rounded(1 - miss), basis, at_random, scored_items


def explain(item_nos, rows, most, random_group=None):
    """[(group, item_no, contribution)] of one declaration, largest first."""
    found = [(random_group, 0, 1.0)] if random_group is not None else []
    total = 0.0
    for row in rows:
        for nats in row[4]:
            total += nats
    for item_no, row in zip(item_nos, rows, strict=True):
        for group, (nats, mandatory) in enumerate(zip(row[4], row[5], strict=True)):
            share = 1.0 if mandatory else (rounded(nats / total, 1e6) if total > 0 else 0.0)
            if share > 0:
                found.append((group, item_no, share))
    return sorted(found, key=lambda reason: -reason[2])[:most]
