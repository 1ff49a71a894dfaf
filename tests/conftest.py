"""What all tests share: where the real material lies."""

from pathlib import Path

import pytest
from hypothesis import settings

# The first example of a kernel's test compiles it, so no example has a deadline.
settings.register_profile("corridor", deadline=None, max_examples=100, print_blob=True)
settings.load_profile("corridor")

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real material beside the project; never copied into it."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.fail(f"{folder} is missing: tests read real material from ../shared/data beside the project")
    return folder
