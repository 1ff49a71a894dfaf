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


class Revival:
    """Looks after the TaskManager of an embedded run; of a job on a cluster it does nothing."""

    def __init__(self, client: Any) -> None:
        """client: PyFlink's, of the running job."""
        self._cluster = _mini_cluster(client)
        self._looked, self._missed = time.monotonic(), 0

    def look(self) -> None:
        """Start a TaskManager where none is left; looks every SECONDS, however often it is called."""
        if self._cluster is None or time.monotonic() - self._looked < SECONDS:
            return
        self._looked = time.monotonic()
        connected = int(self._cluster.requestClusterOverview().get().getNumTaskManagersConnected())
        self._missed = 0 if connected else self._missed + 1
        if self._missed == 2:
            _LOG.warning(
                "Flink gave its TaskManager up; starting another, the job goes on from its last checkpoint"
            )
            self._cluster.startTaskManager()
            self._missed = 0


def _mini_cluster(client: Any) -> Any:
    """The mini-cluster behind a client, None if there is none: Flink shows it to nobody."""
    found = client._j_job_client
    if not found.getClass().getSimpleName().startswith("MiniCluster"):
        return None
    hidden = found.getClass().getDeclaredField("miniCluster")
    hidden.setAccessible(True)
    return hidden.get(found)
