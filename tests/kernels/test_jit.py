"""Where compiled code is kept."""

import importlib.util
import os
import sys

import numpy as np
import pytest

from corridor.kernels import _jit

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
