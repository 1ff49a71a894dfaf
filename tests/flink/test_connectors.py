"""Tables over topics: what Flink's planner takes of them; what they read and write is in tests/kafka."""

import pytest

from corridor.flink import connectors
from corridor.flink.connectors import Source
from corridor.flink.environment import Cluster, start

pytestmark = pytest.mark.flink


@pytest.mark.parametrize("bound_ms", [0, 2001, 99_999, 100_000, 3_600_000, 36 * 3_600_000, 172_800_000])
def test_each_bound_of_the_watermark_is_kept_to_the_millisecond(tmp_path, bound_ms):
    tables = start(Cluster(tmp_path, 1, mode="streaming"))
    connectors.tick(tables, "ticks", Source(bound_ms=bound_ms), 0)
    waits = bound_ms - min(300, bound_ms // 4)
    plan = tables.explain_sql("SELECT * FROM ticks")
    assert f"{waits}:INTERVAL DAY TO SECOND" in plan, plan
