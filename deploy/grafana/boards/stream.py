"""The stream's health."""

from grafana_foundation_sdk.builders import dashboard as builders

from boards.panels import THIRD, curve, figure, heat, page, query


def made() -> builders.Dashboard:
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
