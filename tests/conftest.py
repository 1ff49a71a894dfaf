"""What all tests share: where the real material lies, and a Kafka broker."""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from corridor.kafka.broker import LocalBroker
from corridor.kafka.jars import missing

# The first example of a kernel's test compiles it, so no example has a deadline.
settings.register_profile("corridor", deadline=None, max_examples=100, print_blob=True)
settings.load_profile("corridor")

ROOT = Path(__file__).parents[1]

NOT_RUN = pytest.StashKey[int]()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Without the broker's jars, tests marked `kafka` are left out, and told of; in CI they run and fail."""
    asked = config.getoption("-m")
    if os.environ.get("CI") or ("kafka" in asked and " or " not in asked):
        return
    kafka = [item for item in items if item.get_closest_marker("kafka")]
    if kafka and (missing("broker") or missing("connector")):
        items[:] = [item for item in items if item not in kafka]
        config.hook.pytest_deselected(items=kafka)
        config.stash[NOT_RUN] = len(kafka)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    if left_out := config.stash.get(NOT_RUN, 0):
        terminalreporter.section("Kafka", yellow=True)
        terminalreporter.write_line(
            f"{left_out} kafka tests were not run: their jars are not there. Run `make jars`, then the tests again."
        )


@pytest.fixture(scope="session")
def new_broker(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[..., LocalBroker]]:
    """Starts brokers of one's own, on free ports, for tests that kill them or need settings."""
    made: list[LocalBroker] = []

    def make(**settings: str) -> LocalBroker:
        broker = LocalBroker(tmp_path_factory.mktemp("broker"), settings=settings)
        made.append(broker)
        broker.start()
        return broker

    yield make
    for broker in made:
        broker.stop()


@pytest.fixture(scope="session")
def broker(new_broker: Callable[..., LocalBroker]) -> LocalBroker:
    """A broker for all tests of the session: `bootstrap`, `stop()`, `start()`, `kill()`; topics are the test's own.

    It keeps its ports and data over stop, kill and start. A test that ends it starts it again.
    """
    return new_broker()


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real material beside the project; never copied into it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.fail(f"{folder} is missing: tests read real material from ../shared/data beside the project")
    return folder
