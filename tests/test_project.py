import json
import re
import subprocess
from pathlib import Path

import pytest
from click.testing import CliRunner

from corridor.cli import cli, main
from corridor.reference import reference
from tests.conftest import ROOT


def tracked() -> list[Path]:
    names = subprocess.run(["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    return [ROOT / name for name in names.splitlines()]


def test_the_reference_of_commands_is_of_today():
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == reference(), "run `make reference`"


def headings(page: Path) -> set[str]:
    """The anchors that a page's headings make, as they are shown on GitHub."""
    text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
    names = re.findall(r"(?m)^#+ (.+)$", text)
    return {re.sub(r"[^\w -]", "", name.lower()).replace(" ", "-") for name in names}


def test_every_link_of_the_documentation_leads_somewhere():
    pages = [path for path in tracked() if path.suffix == ".md" and path.exists()]
    followed = 0
    for page in pages:
        text = re.sub(r"(?ms)^```.*?^```", "", page.read_text(encoding="utf-8"))
        for target in re.findall(r"\]\(([^)\s]+)\)", text):
            if "://" in target:
                continue
            name, _, anchor = target.partition("#")
            to = (page.parent / name).resolve() if name else page
            assert to.exists(), f"{page.relative_to(ROOT)}: there is no {target}"
            assert not anchor or anchor in headings(to), f"{page.relative_to(ROOT)}: no heading of {target}"
            followed += 1
    assert followed > 50


def test_the_readme_names_every_page_of_the_documentation():
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    assert [path.name for path in (ROOT / "docs").glob("*.md") if f"(docs/{path.name})" not in text] == []


def test_every_command_explains_itself():
    runner = CliRunner()
    for name in cli.list_commands(None):
        result = runner.invoke(cli, [name, "--help"])
        assert result.exit_code == 0
        assert "Usage:" in result.output


def test_an_error_is_one_line_and_exit_code_2(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["run", "decide", "--input", "/nowhere/at/all", "--output", "/tmp/never-made"])
    assert stop.value.code == 2
    told = capsys.readouterr().err
    assert told.startswith("corridor: ")
    assert told.count("\n") == 1
    assert "/nowhere/at/all" in told


def test_the_lock_names_hashes_and_no_host():
    lock = (ROOT / "requirements.lock").read_text()
    assert "://" not in lock
    assert "index-url" not in lock
    blocks = re.split(r"\n(?=[a-z0-9])", lock)
    packages = [block for block in blocks if re.match(r"[a-z0-9][\w.-]*==", block)]
    assert len(packages) > 50
    assert all("--hash=sha256:" in block for block in packages)


def test_nothing_tracked_is_large_or_of_this_machine():
    forbidden = {"uv.lock"}
    for path in tracked():
        if not path.exists():
            continue
        assert path.name not in forbidden
        assert path.suffix not in {".jar", ".parquet", ".pyc", ".nbi", ".nbc"}, path
        assert path.stat().st_size < 1_000_000, path


def test_json_in_the_project_is_well_formed():
    for path in tracked():
        if path.suffix == ".json" and path.exists():
            json.loads(path.read_text(encoding="utf-8"))
