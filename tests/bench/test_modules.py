import os
import subprocess
import sys
from pathlib import Path

BENCH = Path(__file__).parents[2] / "bench"


def test_every_benchmark_can_be_imported() -> None:
    """Those that take long are not run here; what they need of Corridor and of each other must stand all the same."""
    names = sorted(path.stem for path in BENCH.glob("*.py"))
    done = subprocess.run(
        [sys.executable, "-c", "import " + ", ".join(names)],
        capture_output=True,
        text=True,
        cwd=BENCH,
        env=os.environ | {"PYTHONPATH": str(BENCH.parent)},  # one asks for a slow twin of the tests
        check=False,
    )
    assert "race" in names
    assert done.returncode == 0, done.stderr
