"""Grafana's dashboards as JSON, made from this code: `python deploy/grafana/build.py [FOLDER]`.

Grafana's own SDK (generated from its schema) writes them; a test compares the files with what this code makes.
"""

import itertools
import json
import sys
import warnings
from pathlib import Path

warnings.filterwarnings("ignore", category=DeprecationWarning, message="Prefer using dashboardv2")

from grafana_foundation_sdk.builders import common as common_builders  # noqa: E402
from grafana_foundation_sdk.builders import dashboard as builders  # noqa: E402
from grafana_foundation_sdk.builders import heatmap, stat, table, timeseries  # noqa: E402
from grafana_foundation_sdk.builders.prometheus import Dataquery  # noqa: E402
from grafana_foundation_sdk.cog.encoder import JSONEncoder  # noqa: E402
from grafana_foundation_sdk.models import common, dashboard  # noqa: E402
from grafana_foundation_sdk.models.prometheus import PromQueryFormat  # noqa: E402

FOLDER = Path(__file__).parent / "dashboards"
SOURCE = common.DataSourceRef(type_val="prometheus", uid="${source}")
CORRIDORS = ("green", "blue", "yellow", "red")
COLOURS = {
    "green": "#2e7d32", "blue": "#1565c0", "yellow": "#f9a825", "red": "#c62828",
    "observed": "#1565c0", "expected": "#757575", "low": "#bdbdbd", "high": "#bdbdbd",
}  # fmt: skip
Panel = timeseries.Panel | stat.Panel | table.Panel | heatmap.Panel
WHOLE, HALF, THIRD, SIXTH = 24, 12, 8, 4


def query(expr: str, legend: str = "", instant: bool = False) -> Dataquery:
    """A query of Prometheus; instant: its value now, as rows of a table or one figure."""
    made = Dataquery().expr(expr).legend_format(legend or "__auto").datasource(SOURCE)
    return made.instant().format(PromQueryFormat.TABLE) if instant else made.range()


def asked(panel: Panel, queries: tuple[Dataquery, ...]) -> Panel:
    """The panel with its queries, named A, B, C."""
    for place, one in enumerate(queries):
        panel.with_target(one.ref_id(chr(ord("A") + place)))
    return panel


def coloured(panel: Panel, queries: tuple[Dataquery, ...]) -> Panel:
    """Corridors and bands in their own colours, whatever their order."""
    legends = {one.build().legend_format for one in queries}
    for name, colour in COLOURS.items():
        if not legends & {"{{corridor}}", "{{bound}}"}:
            break
        fixed = {"mode": "fixed", "fixedColor": colour}
        panel.override_by_name(name, [dashboard.DynamicConfigValue(id_val="color", value=fixed)])
    return panel


def curve(
    title: str, unit: str, *queries: Dataquery, about: str = "", width: int = HALF, stack: bool = False
) -> Panel:
    """Curves over time."""
    panel = timeseries.Panel().title(title).description(about).unit(unit).datasource(SOURCE)
    panel.span(width).height(8).fill_opacity(10).show_points(common.VisibilityMode.NEVER)
    if stack:
        panel.stacking(common_builders.StackingConfig().mode(common.StackingMode.NORMAL)).fill_opacity(60)
    return coloured(asked(panel, queries), queries)


def figure(
    title: str, unit: str, expr: str, about: str = "", limits: tuple[float, float] | None = None
) -> Panel:
    """One figure; limits: from the first on it is amber, from the second red (falling if the second is below)."""
    panel = stat.Panel().title(title).description(about).unit(unit).datasource(SOURCE).span(SIXTH).height(4)
    asked(panel, (query(expr).instant(),)).color_mode(common.BigValueColorMode.VALUE)
    panel.reduce_options(common_builders.ReduceDataOptions().calcs(["lastNotNull"]))
    calm, amber, red = "text", "orange", "red"
    if limits is None:
        steps = [(None, calm)]
    elif limits[0] < limits[1]:
        steps = [(None, calm), (limits[0], amber), (limits[1], red)]
    else:
        steps = [(None, red), (limits[1], amber), (limits[0], calm)]
    told = [dashboard.Threshold(value=value, color=colour) for value, colour in steps]
    panel.thresholds(builders.ThresholdsConfig().mode(dashboard.ThresholdsMode.ABSOLUTE).steps(told))
    return panel


def rows(
    title: str,
    queries: dict[str, str],
    unit: dict[str, str] | None = None,
    about: str = "",
    width: int = HALF,
) -> Panel:
    """A table of what is now. queries: by column; they are put side by side by their common labels."""
    panel = table.Panel().title(title).description(about).datasource(SOURCE).span(width).height(8)
    asked(panel, tuple(query(expr, instant=True) for expr in queries.values()))
    if len(queries) > 1:
        panel.with_transformation(dashboard.DataTransformerConfig(id_val="merge", options={}))
    values = (
        [f"Value #{chr(ord('A') + place)}" for place in range(len(queries))]
        if len(queries) > 1
        else ["Value"]
    )
    organised = {
        "excludeByName": dict.fromkeys(("Time", "job", "instance", "__name__"), True),
        "renameByName": dict(zip(values, queries, strict=True)),
    }
    panel.with_transformation(dashboard.DataTransformerConfig(id_val="organize", options=organised))
    for column, name in (unit or {}).items():
        panel.override_by_name(column, [dashboard.DynamicConfigValue(id_val="unit", value=name)])
    return panel


def heat(title: str, expr: str, about: str = "") -> Panel:
    """A histogram over time."""
    panel = heatmap.Panel().title(title).description(about).unit("s").datasource(SOURCE).span(HALF).height(8)
    return asked(panel, (query(expr, "{{le}}").format(PromQueryFormat.HEATMAP),))


def page(
    uid: str, title: str, about: str, since: str, sections: dict[str, list[Panel]]
) -> builders.Dashboard:
    """A dashboard of rows."""
    made = builders.Dashboard(title).uid(uid).description(about).tags(["corridor"]).readonly()
    made.time(since, "now").refresh("30s").timezone("utc").tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
    made.with_variable(builders.DatasourceVariable("source").label("Prometheus").type("prometheus"))
    number = itertools.count(1)
    for name, panels in sections.items():
        made.with_row(builders.Row(name).id(next(number)))
        for panel in panels:
            made.with_panel(panel.id(next(number)))
    return made


def service() -> builders.Dashboard:
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


def stream() -> builders.Dashboard:
    """Whether the stream is well."""
    job = "flink_taskmanager_job_task_operator_corridor_{}"
    now = [
        figure("Read", "cps", "corridor:partition_read:rate5m", "Records a second."),
        figure("Lag", "short", "corridor:lag:sum", "Records of declarations not read yet.", (1_000, 100_000)),
        figure(
            "In the windows",
            "short",
            "corridor:waiting:sum",
            "Read, and their end not told yet; below 0: doubled.",
        ),
        figure("Picture renewed", "s", "corridor_picture_silent_seconds", "Ago.", (120, 300)),
        figure("Running since", "ms", "flink_jobmanager_job_uptime", "Of the job."),
        figure("The exporter reads", "short", "corridor_source_up", "1: it does.", (1, 0.5)),
    ]
    flow = [
        curve("Records read and decided", "cps", query("corridor:partition_read:rate5m", "read"),
              query("corridor:decisions:rate5m", "decided"), query("corridor:rejects:rate5m", "rejected")),
        curve("Lag by partition", "short", query("corridor_partition_lag", "{{partition}}"), stack=True),
        curve("What became of the records", "cps",
              query("rate(corridor_records_total[$__rate_interval])", "{{outcome}}"), stack=True),
        curve("Waiting by partition", "short", query("corridor_partition_waiting", "{{partition}}"),
              about="Returns to 0 where nothing arrives."),
        curve("From registration to decision", "s", query("corridor:decide_seconds:p50_5m", "50 %"),
              query("corridor:decide_seconds:p95_5m", "95 %"), query("corridor:decide_seconds:p99_5m", "99 %")),
        heat("From registration to decision, all", "sum by (le) (increase(corridor_decide_duration_seconds_bucket[1m]))"),
    ]  # fmt: skip
    safety = [
        curve("Checkpoints", "cpm", query("rate(flink_jobmanager_job_numberOfCompletedCheckpoints[5m]) * 60", "completed"),
              query("rate(flink_jobmanager_job_numberOfFailedCheckpoints[5m]) * 60", "failed"), width=THIRD),
        curve("Time and size of a checkpoint", "ms", query("flink_jobmanager_job_lastCheckpointDuration", "time"),
              width=THIRD),
        curve("Restarts", "short", query("flink_jobmanager_job_numRestarts", "restarts"), width=THIRD),
        curve("State", "bytes", query("flink_jobmanager_job_lastCheckpointSize", "in the last checkpoint")),
        curve("Transactions that do not end", "s", query("corridor_uncommitted_seconds", "{{topic}}"),
              about="Readers of committed records wait so long."),
    ]  # fmt: skip
    work = [
        curve("Watermark behind the clock", "ms",
              query("max(flink_taskmanager_job_task_operator_watermarkLag)", "watermark"),
              query("max(flink_taskmanager_job_task_operator_currentEmitEventTimeLag)", "newest record")),
        curve("Busy and held up", "percentunit",
              query("max by (task_name) (flink_taskmanager_job_task_busyTimeMsPerSecond) / 1000", "busy {{task_name}}"),
              query("max(flink_taskmanager_job_task_backPressuredTimeMsPerSecond) / 1000", "held up, at most")),
        curve("Judging one declaration", "s", query("corridor:job_judge_seconds:avg5m", "mean")),
        curve("Memory of the JVM's heap", "percentunit", query("corridor:job_heap:ratio", "in use")),
        curve("Memory of processes", "bytes", query("corridor:job_worker_resident_bytes:max", "largest Python worker"),
              query('process_resident_memory_bytes{job="corridor-exporter"}', "exporter")),
        curve("Late, doubled, in conflict", "cps",
              query(f"sum(rate({job.format('late')}[$__rate_interval])) or vector(0)", "late"),
              query(f"sum(rate({job.format('partition_conservation_duplicates')}[$__rate_interval]))", "duplicates"),
              query(f"sum(rate({job.format('partition_conservation_conflicts')}[$__rate_interval]))", "conflicts")),
    ]  # fmt: skip
    return page(
        "corridor-stream", "Corridor: the stream's health", "Flow, conservation, checkpoints, work. docs/operations.md "
        "says what to do about each alert.", "now-3h",
        {"Now": now, "Flow and conservation": flow, "Checkpoints and transactions": safety, "Work and memory": work},
    )  # fmt: skip


def rulebook() -> builders.Dashboard:
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


def made() -> dict[str, str]:
    """The dashboards as JSON by file name."""
    pages = {"service.json": service(), "stream.json": stream(), "rulebook.json": rulebook()}
    return {
        name: json.dumps(page.build(), cls=JSONEncoder, indent=2, sort_keys=True) + "\n"
        for name, page in pages.items()
    }


if __name__ == "__main__":
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in made().items():
        (folder / name).write_text(text, encoding="utf-8")
