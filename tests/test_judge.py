import dataclasses
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.features import Columns
from corridor.history import History
from corridor.judge import judge, judge_in_force
from corridor.messages.columns import CORRIDORS, Declarations
from corridor.messages.decision import encode
from corridor.messages.declaration import decode
from corridor.rulebook.groups import BASES, GROUPS
from corridor.rulebook.load import Shelf, load
from corridor.rulebook.manifest import write_manifest
from corridor.simulate import declarations

CANARY = "canary-7f3a-never-told"
RULES = (  # group, when, response
    ("valuation", "item.value_per_kg < 100", "response: score, weight: 0.3"),
    ("origin", "declaration.dispatch_country != item.origin_country", "response: score, weight: 0.2"),
    ("list", "item.hs_code.startsWith('87')", "response: at_least, corridor: red"),
    ("history", "history.importer_day_count > 3", "response: score, weight: 0.5"),
    ("participant", "item.customs_value > 1000000", "response: notify, severity: warning"),
    ("list", "declaration.direction == 'export'", "response: exempt, valid_until: 2099-01-01"),
)
POLICY = """
thresholds:
  - {blue: 0.15, yellow: 0.25, red: 0.6}
random: {corridor: red, rate: 0.05}
norms: {n_min: 30}
histories: [importer/day]
"""


def write_rulebook(folder: Path, version: str = "1", since: str = "2020-01-01T00:00:00+00:00") -> Path:
    folder.mkdir(parents=True)
    paper = "title: t, owner: o, legal_basis: l, valid_from: 2020-01-01"
    rules = [
        f'  - {{id: {CANARY}-{i}, group: {group}, when: "{when}", {response}, {paper}}}'
        for i, (group, when, response) in enumerate(RULES)
    ]
    (folder / "rules.yaml").write_text("\n".join(["rules:", *rules]))
    (folder / "corridors.yaml").write_text(POLICY)
    (folder / "sampling.key").write_text("ab" * 32)
    write_manifest(folder, version, datetime.fromisoformat(since).astimezone(UTC))
    return folder


@pytest.fixture(scope="session")
def rulebook(tmp_path_factory):
    return load(write_rulebook(tmp_path_factory.mktemp("rulebook") / "one"))


@pytest.fixture(scope="session")
def batch() -> Declarations:
    return decode(declarations(400, 5), 0).declarations


def some_history(n: int, seed: int = 1) -> History:
    rng = np.random.default_rng(seed)
    names = ("importer_day_count", "importer_day_value")
    return dataclasses.replace(
        History.none(n), names=names, values=rng.integers(1, 9, (2, n)), late=rng.random(n) < 0.2
    )


def decisions(batch, history, rulebook):
    return encode(batch, judge(batch, history, rulebook), 0)


def test_every_declaration_gets_a_corridor_with_a_basis(batch, rulebook):
    verdicts = judge(batch, some_history(len(batch)), rulebook)
    assert len(verdicts.corridor) == len(batch)
    assert {CORRIDORS[c] for c in verdicts.corridor} == set(CORRIDORS)
    assert {"mandatory", "score", "random", "exempt"} <= {BASES[b] for b in verdicts.basis}
    assert np.all((verdicts.probability >= 0) & (verdicts.probability <= 1))


def test_what_is_not_green_says_why(batch, rulebook):
    verdicts = judge(batch, None, rulebook)
    told = verdicts.reason_group[:, 0] >= 0
    assert np.all(told[verdicts.corridor > 0])
    groups = {GROUPS[g] for g in verdicts.reason_group[told, 0]}
    assert {"valuation", "origin", "list", "random"} <= groups
    falling = np.diff(verdicts.reason_contribution, axis=1) <= 0
    assert falling.all()


def test_a_notify_rule_is_told_by_group_once_a_declaration(batch, rulebook):
    notices = judge(batch, None, rulebook).notices
    assert notices
    assert {GROUPS[notice.group] for notice in notices} == {"participant"}
    assert len({notice.declaration for notice in notices}) == len(notices)


@settings(max_examples=25)
@given(st.lists(st.integers(0, 400), max_size=6))
def test_a_batch_may_be_cut_anywhere(batch, rulebook, cuts):
    history = some_history(len(batch))
    whole = decisions(batch, history, rulebook)
    pieces = []
    for start, end in zip([0, *sorted(cuts)], [*sorted(cuts), len(batch)], strict=True):
        rows = np.arange(start, end)
        pieces += decisions(batch.take(rows), history.take(rows), rulebook)
    assert pieces == whole


def test_order_of_rows_does_not_matter(batch, rulebook):
    history = some_history(len(batch))
    order = np.random.default_rng(3).permutation(len(batch))
    shuffled = decisions(batch.take(order), history.take(order), rulebook)
    whole = decisions(batch, history, rulebook)
    assert shuffled == [whole[i] for i in order]


def test_empty_and_read_only_batches_are_judged(batch, rulebook):
    assert decisions(batch.take(np.arange(0)), None, rulebook) == []
    for name in ("heads", "items", "offsets", "text", "text_starts"):
        getattr(batch, name).flags.writeable = False
    assert len(decisions(batch, None, rulebook)) == len(batch)


def test_history_speaks_and_lateness_silences_it(batch, rulebook):
    busy = dataclasses.replace(
        History.none(len(batch)), names=("importer_day_count",), values=np.full((1, len(batch)), 9)
    )
    late = dataclasses.replace(busy, late=np.ones(len(batch), bool))
    without, known, lost = (judge(batch, h, rulebook) for h in (None, busy, late))
    assert np.all(known.item_probability > without.item_probability)
    assert np.array_equal(lost.item_probability, without.item_probability)
    assert {BASES[b] for b in lost.basis} >= {"late"}


def test_no_rule_id_in_open_messages(batch, rulebook):
    assert rulebook.rules.ids[0].startswith(CANARY)
    for document in decisions(batch, some_history(len(batch)), rulebook):
        assert b"canary" not in document


def test_without_a_table_nobody_is_a_newcomer(batch, rulebook):
    columns = Columns(batch, History.none(len(batch)), rulebook)
    assert np.all(np.isnan(columns.number("participant.importer_known")))


def test_the_rulebook_in_force_at_registration_judges(tmp_path, batch):
    moment = int(np.median(batch.heads["registered_at"]))
    since = datetime.fromtimestamp(moment / 1e6, UTC).isoformat()
    write_rulebook(tmp_path / "old", "1")
    write_rulebook(tmp_path / "new", "2", since)
    shelf = Shelf.load(tmp_path)
    for rows, part, verdicts in judge_in_force(batch, History.none(len(batch)), shelf):
        registered = batch.heads["registered_at"][rows]
        assert np.array_equal(part.heads["content"], batch.heads["content"][rows])
        assert (
            np.all(registered >= shelf.starts[1])
            if verdicts.rulebook == "2"
            else np.all(registered < shelf.starts[1])
        )


@settings(max_examples=25)
@given(st.lists(st.sampled_from([-1.0, 0.0, 1.0]), min_size=3, max_size=3), st.integers(0, 2**31))
def test_the_coefficients_alone_never_move_green_to_red(batch, rulebook, coefficients, seed):
    class Coefficients:
        def __len__(self):
            return 3

        def lookup(self, role, codes):
            said = coefficients[["importer", "declarant", "exporter"].index(role)]
            return rulebook.participants.lookup(role, codes)._replace(coefficient=np.full(len(codes), said))

    history = some_history(len(batch), seed)
    neutral = judge(batch, history, rulebook)
    moved = judge(batch, history, dataclasses.replace(rulebook, participants=Coefficients()))
    green, red = CORRIDORS.index("green"), CORRIDORS.index("red")
    assert not np.any((neutral.corridor == green) & (moved.corridor == red))
    p, q = neutral.item_probability, moved.item_probability
    inner = (p > 0.001) & (p < 0.999)
    odds = (q[inner] / (1 - q[inner])) / (p[inner] / (1 - p[inner]))
    assert np.all((odds <= 1.5 * (1 + 1e-5)) & (odds >= (1 - 1e-5) / 1.5))
