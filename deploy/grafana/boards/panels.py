"""Panels of the dashboards, and a dashboard of rows of them, by Grafana's own SDK."""

import itertools

from grafana_foundation_sdk.builders import common as common_builders
from grafana_foundation_sdk.builders import dashboard as builders
from grafana_foundation_sdk.builders import heatmap, stat, table, timeseries
from grafana_foundation_sdk.builders.prometheus import Dataquery
from grafana_foundation_sdk.models import common, dashboard
from grafana_foundation_sdk.models.prometheus import PromQueryFormat

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
