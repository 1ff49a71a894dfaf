"""The newcomer of the race judges in plain Python, and must come to the corridors of `judge`."""

import json
import shutil
from datetime import date

import pytest

from corridor.judge import judge
from corridor.messages import decision
from corridor.messages.declaration import decode
from corridor.rulebook.load import load
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, declarations
from corridor.simulate import folder as simulated
from corridor.study.fit import fit
from tests.conftest import ROOT
from tests.models import add_recovery

COMPARED = (
    *("declaration_id", "version", "corridor", "probability", "expected_loss", "basis", "selected_at_random"),
)  # fmt: skip


@pytest.fixture(scope="module")
def rulebook(tmp_path_factory):
    folder = tmp_path_factory.mktemp("race")
    span = simulated.Span(date(2026, 11, 2), 4, 1_000, Options(results=True), "none")
    simulated.write(Service(7), span, folder / "service", lambda day, records: None)
    past = folder / "service"
    fit(past / "declarations", past / "results", folder / "rulebook", sample_path())
    return folder / "rulebook"


@pytest.mark.parametrize("foretold", [False, True])
def test_the_newcomer_decides_as_judge_does(rulebook, monkeypatch, tmp_path, foretold):
    if foretold:
        rulebook = add_recovery(shutil.copytree(rulebook, tmp_path / "foretold"))
    monkeypatch.syspath_prepend(str(ROOT / "bench"))
    from peers.plain import Plain  # noqa: PLC0415  # bench/ is no package; its path is set above

    payloads = declarations(
        1_000, 3, date(2026, 11, 6)
    )  # originals, amendments and cancellations, planted cases
    batch = decode(payloads, 0).declarations
    assert len(batch) == len(payloads)
    said = [json.loads(text) for text in decision.encode(batch, judge(batch, None, load(rulebook)), 0)]
    plain = Plain(rulebook)
    told = [json.loads(plain.decide(payload)) for payload in payloads]
    assert len({one["corridor"] for one in said}) == 4
    for one, other in zip(said, told, strict=True):
        assert {name: other[name] for name in COMPARED} == {name: one[name] for name in COMPARED}
        assert [item["corridor"] for item in other["items"]] == [item["corridor"] for item in one["items"]]
