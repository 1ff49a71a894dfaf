"""Where compiled code is kept."""

import importlib.util
import os
import sys
import time

import numpy as np
import pytest

from corridor.kernels import _jit
from corridor.warm import clear

KERNEL = """
from corridor.kernels._jit import kernel

@kernel
def doubled(values):
    return values * {factor}
"""


@pytest.fixture
def loaded(tmp_path, monkeypatch):
    """Loads a module of one kernel from a folder of its own, with a cache of the test's own."""
    if os.environ.get("NUMBA_DISABLE_JIT") == "1":
        pytest.skip("nothing is compiled here: NUMBA_DISABLE_JIT is set")
    monkeypatch.setattr(_jit._config, "CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setattr(
        sys, "dont_write_bytecode", True
    )  # two files of one second and one length look alike to it

    def load(clone, factor):
        path = tmp_path / clone / "kernels" / "doubling.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(KERNEL.format(factor=factor))
        spec = importlib.util.spec_from_file_location("doubling", path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        assert module.doubled(np.ones(2)).tolist() == [factor, factor]
        return sum(module.doubled.stats.cache_hits.values())

    return load


def test_another_clone_of_the_same_file_compiles_nothing(loaded):
    assert loaded("one", 2) == 0
    assert loaded("two", 2) == 1


def test_a_file_that_says_something_else_is_compiled(loaded):
    assert loaded("one", 2) == 0
    assert loaded("one", 3) == 0
    assert loaded("two", 2) == 1


def test_code_that_nothing_uses_is_removed_and_what_is_used_stays(loaded, tmp_path):
    now = time.time()
    assert loaded("one", 2) == 0
    assert loaded("one", 3) == 0
    (old, used) = sorted(
        (tmp_path / "cache" / "doubling").iterdir(), key=lambda path: path.stat().st_ctime_ns
    )
    for folder in (old, used):
        os.utime(folder, (0, now - 40 * 86_400))
    assert loaded("two", 3) == 1
    assert clear(tmp_path / "cache", now) == 1
    assert not old.exists()
    assert clear(tmp_path / "cache", now) == 0
    assert loaded("three", 3) == 1
