"""The newcomer's PyFlink with Corridor's kernels in the UDF: decode and `judge` on a batch of one record each."""

from typing import Any

from pyflink.table import DataTypes
from pyflink.table.udf import ScalarFunction, udf

from peers import flink
from peers.run import Kernels, given


class Decide(ScalarFunction):
    """payload -> decision."""

    def __init__(self, rulebook: str) -> None:
        self._rulebook = rulebook

    def open(self, function_context: Any) -> None:
        """Load rulebook and kernels, once a worker."""
        from corridor.flink.worker import true_print  # noqa: PLC0415

        with true_print():
            self._kernels = Kernels(self._rulebook)
            self._kernels.judge([])

    def eval(self, payload: bytes) -> bytes:
        """Decide on one declaration."""
        return self._kernels.judge([payload])[0][0]


if __name__ == "__main__":
    flink.insert(udf(Decide(given().rulebook), result_type=DataTypes.BYTES()))
