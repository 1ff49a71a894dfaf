"""Mined patterns as text for rules.yaml, with their evidence: proposals that only an officer can make into rules.

An entry has no owner and no legal basis, so `corridor rulebook check` refuses a rulebook that holds it until
somebody answers for it; and its stage is shadow, so that even then it decides nothing until that too is
changed.
"""

import hashlib
import re
from datetime import UTC, datetime, timedelta
from typing import Final

from corridor.study.features import group_of
from corridor.study.mine import Mined, Mining

LEAST_WEIGHT, MOST_WEIGHT = 0.01, 0.5
_FIELD: Final = re.compile(r"\b(?:declaration|item|norm|history|quality)\.[a-z0-9_]+")
_HEAD: Final = """\
# RESTRICTED: these conditions come from what inspections found.
# Proposed by `corridor rulebook mine` beside rulebook {version}: found in results known before {at}, confirmed on
# those after it, to {end}. {tested} patterns of {candidates} candidates were tested; of those below, one in twenty at
# most is expected to be chance.
# Nothing here is active. To take an entry over: copy it into rules.yaml, name the unit that owns it and its legal basis
# (`corridor rulebook check` refuses it until then), give it an id and title of your own, and let it stand in shadow first.
# Its weight is what it would add beside a base rate of {base}; `corridor rulebook fit` lowers it to what results bear out.
{undated}rules:
"""
_UNDATED: Final = """\
# Entries without valid_from of lists {names} ({count}) counted only since this rulebook took effect, after the cut:
# nobody can say that they were not drawn up from the results that should test them.
"""
_ENTRY: Final = """
  # Later part: {found} of {hit} inspected declarations had a finding, {precision} (95 %: {low} to {high}), lift {lift:.1f};
  # adjusted p {false_share:.1e}; {recovered} recovered; findings with {importers}. Earlier part: {earlier}.
  # {adds} of these findings no effective rule and no entry above hits. {overlap}
  - id: {id}
    group: {group}
    title: '{title}'
    when: |
      {when}
    response: score
    weight: {weight}
    valid_from: {since}
    stage: shadow
    damage_estimate: {damage}
    owner:  # the unit that answers for this rule
    legal_basis:  # what it rests on
"""


def proposal(mining: Mining, version: str) -> str:
    """The text of a rules.yaml with one entry a mined pattern; restricted."""
    head = _HEAD.format(
        version=version,
        at=_day(mining.at),
        end=_day(mining.end),
        tested=mining.tested,
        candidates=f"{mining.candidates:,}",
        base=_percent(mining.base[1]),
        undated=_undated(mining),
    )
    return head + "".join(_entry(one, _day(mining.end)) for one in mining.mined)


def _undated(mining: Mining) -> str:
    if not mining.undated:
        return ""
    return _UNDATED.format(names=", ".join(mining.undated), count=f"{sum(mining.undated.values()):,}")


def identity(when: str) -> str:
    """A rule's id made of its condition: the same pattern has the same id in every proposal."""
    return f"MINED-{hashlib.blake2b(when.encode(), digest_size=4).hexdigest().upper()}"


def weight(one: Mined) -> float:
    """What the rule adds to the base rate, by the lower end of its precision, in a noisy-or; modest all the same."""
    added = (one.low - one.base) / (1.0 - one.base) if one.base < 1.0 else 0.0
    return round(min(max(added, LEAST_WEIGHT), MOST_WEIGHT), 2)


def _entry(one: Mined, since: str) -> str:
    later, earlier = one.later, one.earlier
    return _ENTRY.format(
        found=f"{later.found:,}",
        hit=f"{later.hit:,}",
        precision=_percent(later.precision),
        low=_percent(one.low),
        high=_percent(one.high),
        lift=one.lift,
        false_share=one.false_share,
        recovered=f"{later.recovered:,.0f}",
        importers=f"{later.importers:,} importer{'s' if later.importers != 1 else ''}",
        earlier=f"{earlier.found:,} of {earlier.hit:,}, {_percent(earlier.precision)}",
        adds=f"{one.adds:,}",
        overlap=_overlap(one),
        id=identity(one.when),
        group=_group(one.when),
        title=f"Mined: {' '.join(one.when.split())}"[:160].replace("'", "''"),
        when=one.when.replace(" and ", "\n      and "),
        weight=weight(one),
        since=since,
        damage=round(later.recovered / max(later.found, 1)),
    )


def _overlap(one: Mined) -> str:
    if not one.overlaps:
        return "No rule of the rulebook hits what it hits."
    near = one.overlaps[0]
    most = max(one.overlaps, key=lambda overlap: overlap.share)
    text = f"Nearest rule: {near.rule}, Jaccard {near.jaccard:.2f}"
    return f"{text}; {most.rule} hits {_percent(most.share)} of it."


def _group(when: str) -> str:
    """The reason group of most of its fields; procedure, which says least, only where there is no other."""
    groups = [group_of(name) for name in dict.fromkeys(_FIELD.findall(when))]
    order = {group: (group != "procedure", groups.count(group), -groups.index(group)) for group in groups}
    return max(order, key=lambda group: order[group]) if order else "procedure"


def _percent(x: float) -> str:
    return f"{100 * x:.1f} %"


def _day(at: int) -> str:
    return f"{datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=at):%Y-%m-%d}"
