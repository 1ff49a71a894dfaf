"""Without jars the tests that need a broker are left out, never without a word, and in CI they fail."""

import os
import subprocess
import sys

import pytest

from tests.conftest import ROOT


@pytest.mark.parametrize(("continuous", "code"), [(False, 5), (True, 1)])
def test_missing_jars_are_told(tmp_path, continuous, code):
    environment = {name: value for name, value in os.environ.items() if name != "CI"}
    environment |= {"XDG_CACHE_HOME": str(tmp_path)} | ({"CI": "true"} if continuous else {})
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/kafka/test_topics.py"]
    done = subprocess.run(
        command, env=environment, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == code, done.stdout
    assert "make jars" in done.stdout
    assert (" kafka tests were not run" in done.stdout) is not continuous
