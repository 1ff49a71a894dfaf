"""Statements of a job whose plan has a DataStream operator in it: one plan, so that nothing is read or judged twice.

`toDataStream` of a table plans, and would run, everything before it once more beside a statement set. Here all
statements and the table that the operator takes are planned together by the planner itself.
"""

from typing import Any, Final

_OUTLET: Final = "TableToDataStream"
"""How the planner names what leaves it as a DataStream."""


class Statements:
    """INSERT statements of a streaming job; as PyFlink's statement set otherwise."""

    def __init__(self, tables: Any) -> None:
        self._tables = tables
        self._inserts: list[str] = []

    def add_insert_sql(self, sql: str) -> None:
        """Add a statement."""
        self._inserts.append(sql)

    def put_operator(self, source: str, function: Any, told: Any, insert: str) -> None:
        """The operator: a keyed function over the rows of view `source`, all of one key, and a statement that reads it.

        told: type of the function's rows, which are a view named as the function's class; insert: the statement.
        """
        self._source, self._function, self._told, self._insert = source, function, told, insert

    def execute(self) -> Any:
        """Start the job; `get_job_client` of what comes back."""
        from pyflink.java_gateway import get_gateway  # noqa: PLC0415  # PyFlink is slow to import

        jvm, parser = get_gateway().jvm, self._tables._j_tenv.getParser()
        operations = jvm.java.util.ArrayList()
        for sql in self._inserts:
            operations.add(parser.parse(sql).get(0))
        operations.add(_outlet(jvm, self._tables.from_path(self._source)._j_table))
        environment = self._tables._get_j_env()
        environment.configure(self._tables.get_config()._j_table_config.getConfiguration())
        outlet = None
        for transformation in self._tables._j_tenv.getPlanner().translate(operations):
            if transformation.getName() == _OUTLET:
                outlet = transformation
            else:
                environment.addOperator(transformation)
        self._attach(jvm.org.apache.flink.streaming.api.datastream.DataStream(environment, outlet))
        return _Started(self._run(environment))

    def _attach(self, rows: Any) -> None:
        """The operator behind its rows, and the statement behind the operator."""
        from pyflink.datastream import DataStream  # noqa: PLC0415  # PyFlink is slow to import

        name = type(self._function).__name__.lower()
        found = DataStream(rows).key_by(_one_key, key_type=_int()).process(self._function, self._told)
        found = found.set_parallelism(1).name(name).uid(name)
        self._tables.create_temporary_view(name, self._tables.from_data_stream(found))
        after = self._tables.create_statement_set()
        after.add_insert_sql(self._insert)
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


def _one_key(row: Any) -> int:
    del row
    return 0


def _int() -> Any:
    from pyflink.common import Types  # noqa: PLC0415

    return Types.INT()


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
