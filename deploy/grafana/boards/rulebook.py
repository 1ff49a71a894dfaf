"""What rulebooks do, as far as open figures tell."""

from grafana_foundation_sdk.builders import dashboard as builders

from boards.panels import CORRIDORS, THIRD, curve, page, query, rows


def made() -> builders.Dashboard:
    """What rulebooks do, as far as open figures tell."""
    decided = "sum by (rulebook) (rate(corridor_decisions_total{}[30m]))"
    whole = "scalar(sum(rate(corridor_decisions_total[30m])))"
    in_force = [
        rows("In force and next", {"there": "corridor_rulebook_info"}, width=THIRD),
        rows("Takes effect, and when parts end",
             {"takes effect": "corridor_rulebook_effective_timestamp_seconds * 1000",
              "ends": "corridor_rulebook_expiry_timestamp_seconds * 1000"},
             {"takes effect": "dateTimeAsIso", "ends": "dateTimeAsIso"}, width=THIRD),
        curve("Refused, and come too late, in an hour", "short",
              query('increase(corridor_anomalies_total{kind=~"circuit.rulebook_.+"}[1h])', "{{kind}} {{severity}}"),
              width=THIRD),
    ]  # fmt: skip
    effect = [
        curve("Decisions by rulebook", "cps", query(f"{decided.format('')} > 0", "{{rulebook}}"), stack=True),
        curve("Automatic share by rulebook", "percentunit",
              query(decided.format('{corridor=~"green|blue"}') + f" / ({decided.format('')} > 0)", "{{rulebook}}")),
        curve("Corridors", "percentunit",
              query(f"sum by (corridor) (rate(corridor_decisions_total[30m])) / {whole}", "{{corridor}}"), stack=True),
        curve("What decisions rest on", "percentunit",
              query(f"rate(corridor_decisions_by_basis_total[30m]) / {whole}",
                    "{{basis}}"), stack=True),
        curve("Reasons by group", "percentunit",
              query(f"rate(corridor_reasons_total[30m]) / {whole}", "{{group}}"),
              about="Declarations with a reason of the group. Which rules hit is restricted: `corridor backtest` tells it."),
        curve("Random control group", "percentunit",
              query(f"rate(corridor_random_control_total[30m]) / {whole}", "drawn"),
              about="The share that a calm service draws; precision by its results is restricted: `corridor backtest`."),
    ]  # fmt: skip
    asked_of, same = (
        "sum(rate(corridor_shadow_decisions_total[30m]))",
        " or ".join(
            f'rate(corridor_shadow_decisions_total{{corridor="{name}",shadow="{name}"}}[30m])'
            for name in CORRIDORS
        ),
    )
    trial = [
        rows("A candidate on trial: the corridor given, and its own",
             {"decisions": "sum by (corridor, shadow) (increase(corridor_shadow_decisions_total[$__range]))"},
             {"decisions": "short"}, "`corridor rulebook shadow-report` names examples and offices."),
        curve("Share that the candidate decides otherwise", "percentunit",
              query(f"1 - sum({same}) / {asked_of}", "otherwise")),
    ]  # fmt: skip
    return page(
        "corridor-rulebook", "Corridor: what the rulebook does",
        "Open figures only. Hits and precision of rules are restricted and stand in the reports of `corridor backtest`.",
        "now-24h", {"In force": in_force, "Effect": effect, "On trial": trial},
    )  # fmt: skip
