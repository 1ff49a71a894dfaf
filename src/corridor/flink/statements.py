"""Statements of a job whose plan has a DataStream operator in it: one plan, so that nothing is read or judged twice.

`toDataStream` of a table plans, and would run, everything before it once more beside a statement set. Here all
statements and the table that the operator takes are planned together by the planner itself.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final

from corridor.errors import CorridorError

_OUTLET: Final = "TableToDataStream"
"""How the planner names what leaves it as a DataStream."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A keyed function over the rows of view `source`.

    told: type of the function's rows, which are a view named as the function's class; key: of a row, and its type;
    parallelism: None for the job's.
    """

    source: str
    function: Any
    told: Any
    key: Callable[[Any], Any]
    key_type: Any
    parallelism: int | None = 1


class Statements:
    """INSERT statements of a streaming job; as PyFlink's statement set otherwise."""

    def __init__(self, tables: Any) -> None:
        self._tables = tables
        self._inserts: list[str] = []
        self._operators: list[tuple[Operator, str]] = []

    def add_insert_sql(self, sql: str) -> None:
        """Add a statement."""
        self._inserts.append(sql)

    def put_operator(self, operator: Operator, insert: str) -> None:
        """Add an operator, and a statement that reads what it tells."""
        self._operators.append((operator, insert))

    def execute(self) -> Any:
        """Start the job; `get_job_client` of what comes back."""
        from pyflink.java_gateway import get_gateway  # noqa: PLC0415  # PyFlink is slow to import

        jvm, parser = get_gateway().jvm, self._tables._j_tenv.getParser()
        operations = jvm.java.util.ArrayList()
        for sql in self._inserts:
            operations.add(parser.parse(sql).get(0))
        for operator, _ in self._operators:
            operations.add(_outlet(jvm, self._tables.from_path(operator.source)._j_table))
        environment = self._tables._get_j_env()
        environment.configure(self._tables.get_config()._j_table_config.getConfiguration())
        outlets = []
        for transformation in self._tables._j_tenv.getPlanner().translate(operations):
            if transformation.getName() == _OUTLET:
                outlets.append(transformation)  # in the order of the operations
            else:
                environment.addOperator(transformation)
        if len(outlets) != len(self._operators):
            raise CorridorError(
                f"Flink planned {len(outlets)} outlets for {len(self._operators)} operators: this release of Flink is not "
                "the one that requirements.lock names"
            )
        streams = jvm.org.apache.flink.streaming.api.datastream
        self._attach([streams.DataStream(environment, outlet) for outlet in outlets])
        return _Started(self._run(environment))

    def _attach(self, outlets: list[Any]) -> None:
        """The operators behind their rows, and the statements behind the operators."""
        from pyflink.datastream import DataStream  # noqa: PLC0415  # PyFlink is slow to import

        after = self._tables.create_statement_set()
        for (operator, insert), rows in zip(self._operators, outlets, strict=True):
            name = type(operator.function).__name__.lower()
            keyed = DataStream(rows).key_by(operator.key, key_type=operator.key_type)
            found = keyed.process(operator.function, operator.told).name(name).uid(name)
            found.set_parallelism(operator.parallelism or rows.getParallelism())
            self._tables.create_temporary_view(name, self._tables.from_data_stream(found))
            after.add_insert_sql(insert)
        after.attach_as_datastream()

    def _run(self, environment: Any) -> Any:
        from pyflink.datastream import StreamExecutionEnvironment  # noqa: PLC0415

        name = self._tables.get_config().get("pipeline.name", "corridor")
        return StreamExecutionEnvironment(environment).execute_async(name)


class _Started:
    def __init__(self, client: Any) -> None:
        self._client = client

    def get_job_client(self) -> Any:
        return self._client


def _outlet(jvm: Any, table: Any) -> Any:
    """What the planner takes for a table that goes on as a DataStream (as `toDataStream` makes it)."""
    catalog, resolved = jvm.org.apache.flink.table.catalog, table.getResolvedSchema()
    schema = jvm.org.apache.flink.table.api.Schema.newBuilder().fromResolvedSchema(resolved).build()
    described = catalog.ResolvedCatalogTable(catalog.ExternalCatalogTable(schema), resolved)
    return jvm.org.apache.flink.table.operations.ExternalModifyOperation(
        catalog.ContextResolvedTable.anonymous("outlet", described),
        table.getQueryOperation(),
        jvm.org.apache.flink.table.connector.ChangelogMode.insertOnly(),
        resolved.toPhysicalRowDataType(),
    )
