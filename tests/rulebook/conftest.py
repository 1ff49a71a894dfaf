"""A rulebook folder of the least that is needed, not yet sealed."""

from pathlib import Path

import pytest

from tests.rulebook.rule_material import CORRIDORS, RULE


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "lists").mkdir()
    (tmp_path / "rules.yaml").write_text("rules:\n" + RULE)
    (tmp_path / "corridors.yaml").write_text(CORRIDORS)
    (tmp_path / "sampling.key").write_text("ab" * 32 + "\n")
    return tmp_path
