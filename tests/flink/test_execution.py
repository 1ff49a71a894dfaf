"""A plan is made in one Java thread: until it runs, no other Python thread calls Java to collect garbage."""

import gc

import pytest

from corridor.flink.environment import Cluster, start
from corridor.flink.execution import run

pytestmark = [pytest.mark.flink, pytest.mark.timeout(180)]


def planned(folder, query):
    tables = start(Cluster(folder, 1))
    tables.execute_sql("CREATE TEMPORARY TABLE nowhere (n INT) WITH ('connector' = 'blackhole')")
    assert not gc.isenabled()
    statements = tables.create_statement_set()
    statements.add_insert_sql(f"INSERT INTO nowhere {query}")
    return statements


def test_garbage_waits_for_the_plan(tmp_path):
    (tmp_path / "progress").mkdir()
    run(planned(tmp_path, "SELECT 1"), tmp_path, 1, None)
    assert gc.isenabled()


def test_a_plan_that_is_refused_lets_garbage_be_collected_again(tmp_path):
    class Refused:
        def execute(self):
            raise ValueError("refused")

    start(Cluster(tmp_path, 1))
    with pytest.raises(ValueError, match="refused"):
        run(Refused(), tmp_path, 1, None)
    assert gc.isenabled()
