"""PyFlink as a newcomer writes it: a Python UDF a record, with json.loads, lambdas and Booster.predict in it."""

from pathlib import Path
from typing import Any

from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from peers import flink
from peers.run import given


class Decide(ScalarFunction):
    """payload -> decision."""

    def __init__(self, rulebook: str) -> None:
        self._rulebook = rulebook

    def open(self, function_context: Any) -> None:
        """Read the rulebook, once a worker."""
        from corridor.flink.worker import true_print  # noqa: PLC0415

        with true_print():
            from peers.plain import Plain  # noqa: PLC0415
        self._plain = Plain(Path(self._rulebook))

    def eval(self, payload: bytes) -> bytes:
        """Decide on one declaration."""
        return self._plain.decide(payload)


if __name__ == "__main__":
    flink.insert(udf(Decide(given().rulebook), result_type=DataTypes.BYTES()))
