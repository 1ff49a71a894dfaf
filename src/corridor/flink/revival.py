"""The TaskManager of an embedded run, started anew where Flink gave it up.

A task that is cancelled in the middle of writing Arrow has its channel closed by the interrupt; closing the operator then
writes to it again, which Flink takes for a fatal error of the whole TaskManager. A cluster has somebody who starts its
process again (Kubernetes, systemd); the mini-cluster of an embedded run has nobody, and its job would wait for slots for
ever.
"""

import logging
import time
from typing import Any, Final

_LOG: Final = logging.getLogger(__name__)
SECONDS: Final = 3.0
"""Between two looks; a TaskManager that is missed twice is started anew."""
MOST: Final = 20
"""So often in a run: a TaskManager that always falls has another fault, which must show."""


class Revival:
    """Looks after the TaskManager of an embedded run; of a job on a cluster it does nothing."""

    def __init__(self, client: Any) -> None:
        """client: PyFlink's, of the running job."""
        self._cluster = _mini_cluster(client)
        self._looked, self._missed, self._started = time.monotonic(), 0, 0

    def look(self) -> None:
        """Start a TaskManager where none is left; looks every SECONDS, however often it is called; MOST times at most.

        Of a mini-cluster that is just ending nothing can be asked: that is no fault of the job.
        """
        if self._cluster is None or time.monotonic() - self._looked < SECONDS or self._started == MOST:
            return
        self._looked = time.monotonic()
        try:
            self._look()
        except Exception as error:  # Java's, of a mini-cluster that ends
            _LOG.info("the mini-cluster does not answer: %s", str(error).splitlines()[:1])

    def _look(self) -> None:
        from pyflink.java_gateway import get_gateway  # noqa: PLC0415  # PyFlink is slow to import

        unit = get_gateway().jvm.java.util.concurrent.TimeUnit.SECONDS
        overview = self._cluster.requestClusterOverview().get(5, unit)
        connected = int(overview.getNumTaskManagersConnected())
        self._missed = 0 if connected else self._missed + 1
        if self._missed == 2:
            _LOG.warning(
                "Flink gave its TaskManager up; starting another, the job begins anew from where its state is"
            )
            self._cluster.startTaskManager()
            self._missed = 0
            self._started += 1


def _mini_cluster(client: Any) -> Any:
    """The mini-cluster behind a client, None if there is none: Flink shows it to nobody."""
    found = client._j_job_client
    if not found.getClass().getSimpleName().startswith("MiniCluster"):
        return None
    hidden = found.getClass().getDeclaredField("miniCluster")
    hidden.setAccessible(True)
    return hidden.get(found)
