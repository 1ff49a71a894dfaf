from pathlib import Path

import pytest

from corridor.rulebook.load import Shelf
from corridor.study import read
from tests.study.backtest.material import known_of, write_rulebook, write_service


@pytest.fixture(scope="package")
def service(tmp_path_factory) -> Path:
    return write_service(tmp_path_factory.mktemp("service") / "s")


@pytest.fixture(scope="package")
def rulebook(tmp_path_factory) -> Path:
    return write_rulebook(tmp_path_factory.mktemp("rulebook") / "old")


@pytest.fixture(scope="package")
def shelf(rulebook) -> Shelf:
    return Shelf.load(rulebook)


@pytest.fixture(scope="package")
def known(service, tmp_path_factory):
    """Decoded in many blocks."""
    patch = pytest.MonkeyPatch()
    patch.setattr(read, "BLOCK_BYTES", 100_000)
    found = known_of(service, tmp_path_factory.mktemp("spill"))
    patch.undo()
    assert len(found.decoded.blocks) > 5
    return found
