"""A small service with results, and rulebooks that differ in one part each."""

import os
from datetime import UTC, date, datetime
from pathlib import Path

from corridor.rulebook.manifest import write_manifest
from corridor.simulate import Options, Service, folder
from corridor.study.backtest.blocks import decode
from corridor.study.backtest.known import Known

RULES = {  # id: group, when, response
    "cheap": ("valuation", "item.value_per_kg < 40", "response: score, weight: 0.3"),
    "route": (
        "origin",
        "declaration.dispatch_country != item.origin_country",
        "response: score, weight: 0.2",
    ),
    "vehicles": ("list", "item.hs_code.startsWith('87')", "response: at_least, corridor: red"),
    "papers": ("procedure", "item.tare_share > 0.3", "response: document"),
    "often": ("history", "history.importer_day_count > 3", "response: score, weight: 0.25"),
    "large": ("participant", "item.customs_value > 1000000", "response: notify, severity: warning"),
    "exports": ("list", "declaration.direction == 'export'", "response: exempt, valid_until: 2099-01-01"),
}
POLICY = """
thresholds:
  - {{blue: 0.15, yellow: {yellow}, red: {red}}}
random: {{corridor: red, rate: {rate}}}
norms: {{n_min: 30}}
histories: [importer/day]
"""


def write_rulebook(
    target: Path,
    rules: dict[str, tuple[str, str, str]] | None = None,
    yellow: float = 0.25,
    red: float = 0.6,
    rate: float = 0.1,
    since: datetime = datetime(2020, 1, 1, tzinfo=UTC),
) -> Path:
    """A rulebook of RULES, or of others."""
    target.mkdir(parents=True)
    paper = "title: t, owner: o, legal_basis: l, valid_from: 2020-01-01"
    told = [
        f'  - {{id: {name}, group: {group}, when: "{when}", {response}, {paper}}}'
        for name, (group, when, response) in (RULES if rules is None else rules).items()
    ]
    (target / "rules.yaml").write_text("\n".join(["rules:", *told]))
    (target / "corridors.yaml").write_text(POLICY.format(yellow=yellow, red=red, rate=rate))
    (target / "sampling.key").write_text("ab" * 32)
    write_manifest(target, target.name, since)
    return target


def write_service(target: Path, per_day: int = 500, days: int = 2) -> Path:
    """Days with garbage, amendments and results; files bear one old time, so that ingestion is known."""
    options = Options(garbage=0.03, results=True)
    span = folder.Span(date(2026, 11, 24), days, per_day, options, "none")
    folder.write(Service(3), span, target, lambda day, records: None)
    for path in (target / "declarations").glob("*.ndjson"):
        os.utime(path, (0, 0))
    return target


def known_of(service: Path, spill: Path) -> Known:
    """The history decoded into `spill`."""
    spill.mkdir(exist_ok=True)
    return Known.of(decode(service / "declarations", spill))
