"""The service of the day."""

from grafana_foundation_sdk.builders import dashboard as builders

from boards.panels import THIRD, WHOLE, curve, figure, page, query, rows


def made() -> builders.Dashboard:
    """The service of the day."""
    of_service, money = "corridor_service_{}", "short"
    today = [
        figure("Declarations today", "short", "corridor:service_declarations:sum"),
        figure("Released automatically", "percentunit", of_service.format("automatic_ratio"),
               "Green and blue, of all of today."),
        figure("Payments today", money, "corridor:service_payments:sum", "Duty and VAT, national currency."),
        figure("Of the plan", "percentunit", of_service.format("plan_ratio"), "Payments by those planned for the day."),
        figure("Decided within", "s", "corridor:decide_seconds:p95_5m", "95 % of the last five minutes.", (5, 10)),
        figure("Open anomalies", "short", 'sum(corridor_anomalies_open{severity!="info"})', "Warning or critical.",
               (1, 5)),
    ]  # fmt: skip
    course = [
        curve("Declarations of the day by corridor", "short", query("corridor_service_declarations", "{{corridor}}"),
              about="Of the day so far; amended and cancelled ones are taken back.", stack=True),
        curve("The last whole hour beside its norm", "short",
              query("corridor_service_hour_declarations", "{{bound}}"),
              about="The norm is the rulebook's; the exporter needs --rulebook or --registry."),
        curve("Automatic share beside the last seven days", "percentunit",
              query("corridor:automatic:ratio_rate30m", "last half hour"),
              query("corridor:automatic:ratio_avg7d", "at this hour of the last seven days"),
              query("corridor_service_automatic_ratio", "of the day so far")),
        curve("Payments against the plan", money, query("corridor:service_payments:sum", "paid"),
              query("corridor_service_plan_payments", "planned for the day"),
              query("corridor_service_plan_forecast", "forecast for the day's end")),
        curve("By direction", "short", query("corridor_direction_declarations", "{{direction}}"), width=THIRD),
        curve("Rejected, doubled, late, flagged", "short", query("corridor_service_rejected", "rejected"),
              query("corridor_service_duplicates", "duplicates"), query("corridor_service_late", "late"),
              query("corridor_service_flagged", "data-quality flag"), width=THIRD),
        curve("Rejects by code", "cps", query("sum by (code) (rate(corridor_rejects_total[$__rate_interval])) > 0",
                                               "{{code}}"), width=THIRD, stack=True),
    ]  # fmt: skip
    offices = [
        rows("Offices", {"declarations": "corridor:office_declarations:sum",
                         "automatic share": "corridor:office_automatic:ratio",
                         "payments": "corridor_office_payments", "open anomalies": "corridor_office_anomalies_open",
                         "silent": "corridor_office_silent"},
             {"automatic share": "percentunit", "payments": "short"}, "Of today.", WHOLE),
        curve("The ten largest offices", "short", query("topk(10, corridor:office_declarations:sum)", "{{office}}")),
        curve("The ten that are slowest to decide", "s", query("topk(10, corridor_office_decide_seconds)", "{{office}}"),
              about="95th percentile of the day; only where a stream lives in the present."),
    ]  # fmt: skip
    anomalies = [
        curve("Open anomalies by kind", "short",
              query("sum by (kind) (corridor_anomalies_open) > 0", "{{kind}}"), stack=True),
        curve("Anomalies told in an hour", "short",
              query("sum by (kind, severity) (increase(corridor_anomalies_total[1h])) > 0", "{{kind}} {{severity}}")),
    ]  # fmt: skip
    return page(
        "corridor-service", "Corridor: the service of the day",
        "The picture of the day as numbers over time. Causes and consignments are on the centre's page.", "now-24h",
        {"Today": today, "Course of the day": course, "Offices": offices, "Anomalies": anomalies},
    )  # fmt: skip
