"""Rules mined from results: the language is the measure, the later part the judge, and an officer decides."""

import re
import shutil
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from corridor.errors import InputError
from corridor.features import Columns, assess_quality
from corridor.messages.columns import DIRECTIONS
from corridor.rulebook.check import examine
from corridor.rulebook.documents import Problems, read_yaml
from corridor.rulebook.fields import FIELDS
from corridor.rulebook.language import parse
from corridor.rulebook.lists import read_entries
from corridor.rulebook.load import load
from corridor.rulebook.manifest import write_manifest
from corridor.rulebook.rules import RuleSet, read_rules
from corridor.rulebook.sample import sample_path
from corridor.simulate import Options, Service, folder
from corridor.study import mine as mining
from corridor.study.conditions import Runner, read_lists
from corridor.study.earlier import Base
from corridor.study.folder import Lists
from corridor.study.history import histories
from corridor.study.material import Material, code_text, gather
from corridor.study.mine import Mining, mine
from corridor.study.model import labelled_columns
from corridor.study.patterns import Comparison, Features, condition, grown, narrowed, written
from corridor.study.planted import Truth
from corridor.study.proposal import identity, proposal, weight
from corridor.study.texts import texts
from tests.naive import rules as naive
from tests.study.service import declaration, item, result, write

DAYS, PER_DAY = 60, 500


def without(*names: str, into: Path) -> Path:
    """The sample rulebook with some rules taken out."""
    shutil.copytree(sample_path(), into)
    text = (into / "rules.yaml").read_text()
    for name in names:
        text, count = re.subn(rf"  - id: {name}\n(?:(?:    .*)?\n)*?(?=  - id: |\Z)", "", text)
        assert count == 1, name
    (into / "rules.yaml").write_text(text)
    (into / "cases.yaml").unlink()
    write_manifest(into, "less", datetime(2020, 1, 1, tzinfo=UTC))
    return into


Made = tuple[Material, Path, Mining, Truth]


def made(folder_of: Path, *rules: str) -> Made:
    """A simulated service, norms and shares of it, and what is mined beside the sample without some rules."""
    place = folder_of / "service"
    span = folder.Span(date(2026, 9, 1), DAYS, PER_DAY, Options(results=True), "none")
    folder.write(Service(3), span, place, lambda day, records: None)
    material = gather(place / "declarations", place / "results")
    source, book = without(*rules, into=folder_of / "source"), folder_of / "book"
    book.mkdir()
    Base(source, [place / "rates.csv", None], Lists(), None, 30).tables(material, material.span[1], book)
    return material, book, mine(material, book), Truth.read(place / "truth")


@pytest.fixture(scope="module")
def mined(tmp_path_factory: pytest.TempPathFactory) -> Made:
    """Beside rules without those against consignments split into parts and against weights overstated."""
    return made(tmp_path_factory.mktemp("mined"), "HIS-03", "WGT-01", "WGT-06", "WGT-09", "CLS-04")


OWN = {
    "splitting": ["history.importer_day_count >= 3 and between(declaration.customs_value, 425000, 500000)"],
    "overstated_weight": [
        "norm.kg_per_unit_z > 4",
        "quality.mass_outlier and item.customs_value > 100000",
        "norm.value_per_kg_z < -2.5 and norm.kg_per_unit_z > 2.5",
        "abs(norm.kg_per_unit_z) > 3 and abs(norm.value_per_kg_z) > 3",
    ],
}
"""What the rules that were taken out say."""


@pytest.mark.parametrize(
    ("kind", "fields"),
    [
        ("splitting", ("customs_value", "history.")),
        ("overstated_weight", ("norm.kg_per_unit_",)),
    ],
)
def test_a_scheme_whose_rules_were_taken_out_is_found_again(
    mined: Made, kind: str, fields: tuple[str, ...], capsys: pytest.CaptureFixture[str]
) -> None:
    """The truth of the simulation, which mining never sees, tells whether a proposal means the scheme as its rules did."""
    material, book, found, truth = mined
    lines = [line for line in truth.planted if line["kind"] == kind]
    planted = {name for line in lines for name in (line["declarations"] or [line["declaration_id"]])}
    later = material.original & (material.batch.heads["registered_at"] >= found.at)
    meant = later & np.isin(np.array(texts(material.batch)[0].to_pylist()), list(planted))
    assert meant.sum() > 40

    def measured(when: str) -> tuple[float, float, float]:
        """Harmonic mean of the parts of the scheme that are hit and of the hits that are of it, and these."""
        hit = later & hits_of(material, book, when)
        reached, exact = (hit & meant).sum() / meant.sum(), (hit & meant).sum() / max(hit.sum(), 1)
        return 2 * reached * exact / max(reached + exact, 1e-9), reached, exact

    own, best = max(map(measured, OWN[kind])), max(found.mined, key=lambda one: measured(one.when))
    again = measured(best.when)
    with capsys.disabled():
        print(
            f"\n  {kind}, {meant.sum()} of {later.sum():,} declarations after the cut: "
            f"{again[1]:.0%} hit, {again[2]:.0%} of the hits are such (its best own rule: {own[1]:.0%}, {own[2]:.0%})\n"
            f"  {best.when}\n  inspected: {best.later.found} of {best.later.hit} with a finding, lift {best.lift:.1f}; "
            f"{found.candidates:,} candidates, {found.tested} tested, {len(found.mined)} confirmed"
        )
    assert again[0] >= 0.8 * own[0]
    assert all(field in best.when for field in fields)


def hits_of(material: Material, book: Path, when: str) -> np.ndarray:
    """bool[n]: declarations with an item for which the condition is true."""
    loaded = load(book)
    lived = histories(material.batch, loaded.policy.histories, material.lines)
    columns = Columns(material.batch, lived, loaded)
    assess_quality(columns)
    runner = Runner(columns, np.arange(len(material.batch.items)), read_lists(book))
    found = np.zeros(len(material.batch), bool)
    np.logical_or.at(found, material.declaration, runner.run([when])[0])
    return found


def test_figures_are_those_of_the_written_rule_in_the_kernel_and_by_its_slow_twin(
    mined: Made,
) -> None:
    """What a proposal says of its hits is what its text hits: as a rule of a rulebook, and read word by word."""
    material, book, found, _ = mined
    loaded, lists = load(book), read_lists(book)
    problems = Problems()
    path = book.parent / "proposal.yaml"
    path.write_text(accepted(proposal(found, loaded.version)))
    rules = read_rules(read_yaml(path, "rules.yaml", problems), lists, "rules.yaml", problems)
    assert problems.found == []
    assert len(rules) == len(found.mined) > 1
    results = material.results
    registered = material.batch.heads["registered_at"][material.declaration[results.item]]
    later = np.flatnonzero((registered >= found.at) & (results.at >= found.at))
    lived = histories(material.batch, loaded.policy.histories, material.lines)
    columns, inside = labelled_columns(material, lived, loaded, later)
    shadow = RuleSet.of(rules, "shadow")
    assert len(RuleSet.of(rules)) == 0, "none is active"
    numbers = np.array([columns.number(name)[inside] for name in shadow.numbers])
    codes = np.array([columns.code(name)[inside] for name in shadow.codes], np.int64).reshape(-1, len(inside))
    assert not shadow.run(numbers, codes).any(), "a rule begins after the history it comes from"
    numbers[shadow.numbers.index("declaration.registered_at")] = rules[0].valid_from / 1e6
    masks = shadow.run(numbers, codes) != 0
    owner = material.declaration[results.item[later]]
    for one, rule, mask in zip(found.mined, rules, masks, strict=True):
        assert " ".join(rule.when.split()) == one.when
        assert len(np.unique(owner[mask])) == one.later.hit
        assert len(np.unique(owner[mask & results.hit[later]])) == one.later.found
        assert results.recovered[later][mask].sum() == pytest.approx(one.later.recovered)
    entries = {
        path.stem: [(code, "", "") for code in read_entries(path).codes]
        for path in (book / "lists").glob("*.csv")
    }
    some = np.random.default_rng(1).choice(len(inside), 300, replace=False)
    some = np.unique(np.concatenate([some, *[np.flatnonzero(mask)[:20] for mask in masks]]))
    for one, mask in zip(found.mined, masks, strict=True):
        node = parse(one.when)
        fields = {"declaration.registered_at", *(name for name in FIELDS if name in one.when)}
        columns_of = {name: values(columns, inside, name, material) for name in fields}
        for i in some:
            row = {name: column[i] for name, column in columns_of.items()}
            assert naive.hits(node, row, entries) == mask[i], (one.when, row)


def values(columns: Any, inside: np.ndarray, name: str, material: Material) -> list[Any]:
    """A field as the slow twin reads it: numbers, or texts."""
    if FIELDS[name].kind in ("number", "flag"):
        return columns.number(name)[inside].tolist()
    codes = columns.code(name)[inside]
    kind = FIELDS[name].kind
    known = {
        int(code): code_text(material.reading, int(code), kind) or "" for code in np.unique(codes) if code
    }
    return [known.get(int(code), "") for code in codes]


def accepted(text: str) -> str:
    """What an officer adds."""
    return re.sub(
        r"owner:.*", "owner: valuation-unit", re.sub(r"legal_basis:.*", "legal_basis: 'Order 1'", text)
    )


def test_the_check_refuses_a_proposal_until_somebody_answers_for_it(mined: Made, tmp_path: Path) -> None:
    _, _, found, _ = mined
    entries = proposal(found, "x").split("rules:\n", 1)[1]
    for name, text, wanted in (("raw", entries, 2 * len(found.mined)), ("taken", accepted(entries), 0)):
        shutil.copytree(sample_path(), tmp_path / name)
        with (tmp_path / name / "rules.yaml").open("a") as file:
            file.write(text)
        write_manifest(tmp_path / name, "with-mined", datetime(2020, 1, 1, tzinfo=UTC))
        book, problems = examine(tmp_path / name)
        assert len(problems) == wanted
        assert all(re.search("MINED-.*(owner|legal_basis) is missing", problem.text) for problem in problems)
        if book is not None:
            assert len(book.shadow) == 2 + len(found.mined)
            assert len(book.rules) == len(load(sample_path()).rules)
    assert (book is not None) == (wanted == 0)


def test_what_is_proposed_is_confirmed_new_and_modest(mined: Made) -> None:
    found = mined[2]
    assert 0 < len(found.mined) <= found.tested <= mining.MOST
    assert found.candidates > found.known > 0
    for one in found.mined:
        assert one.false_share <= mining.FALSE_SHARE
        assert one.lift >= mining.CONFIRMED_LIFT
        assert one.low <= one.later.precision <= one.high
        assert one.later.found <= one.later.hit
        assert 0 < weight(one) <= 0.5
        assert all(overlap.jaccard < 0.95 for overlap in one.overlaps)
        assert "participant." not in one.when
        assert "model." not in one.when
        assert "==" not in one.when or not re.search(r"importer ==|declarant ==|exporter ==", one.when)
    assert len({identity(one.when) for one in found.mined}) == len(found.mined)


def labelled(tmp_path: Path, finding: Any, days: int = 8, per_day: int = 200, codes: int = 1) -> Material:
    """Made-up goods; finding(rng, record) says whether an inspection finds something."""
    rng = np.random.default_rng(5)
    records, results = [], []
    for k in range(days * per_day):
        at = f"2026-11-{2 + k // per_day:02d}T{k % 24:02d}:00:00Z"
        goods = item(
            customs_value=round(float(rng.lognormal(12, 1)), 2),
            net_mass_kg=round(float(rng.lognormal(3, 1)), 3),
            hs_code=f"{8517120000 + k * 7 % codes}",
            origin_country=str(rng.choice(["CN", "DE", "TR", 'XX"] or true'])),
        )
        record = declaration(
            f"D{k}", at, items=[goods], transport_mode=int(rng.integers(1, 6)), importer=f"I{k % 200}"
        )
        records.append(record)
        results.append(result(f"D{k}", 1, at, "violation" if finding(rng, record) else "none", 0.0))
    write(tmp_path / "h" / "declarations" / "1.ndjson", records)
    write(tmp_path / "h" / "results" / "1.ndjson", results)
    return gather(tmp_path / "h" / "declarations", tmp_path / "h" / "results")


def test_noise_gives_no_proposal(tmp_path: Path) -> None:
    material = labelled(tmp_path, lambda rng, record: rng.uniform() < 0.1)
    found = mine(material, sample_path())
    assert found.candidates > 100
    assert found.mined == ()


def test_what_held_only_before_the_cut_is_not_confirmed(tmp_path: Path) -> None:
    """Turkish goods by lorry were found out until the cut; then the fraud moved to German goods by air."""

    def finding(rng: np.random.Generator, record: dict[str, Any]) -> bool:
        early = record["registered_at"] < "2026-11-07"
        country, mode = ("TR", 3) if early else ("DE", 4)
        bad = record["items"][0]["origin_country"] == country and record["transport_mode"] == mode
        return bool(rng.uniform() < (0.9 if bad else 0.03))

    found = mine(labelled(tmp_path, finding), sample_path())
    assert found.tested > 0
    assert found.mined == ()


def test_what_goes_on_is_confirmed_as_it_was_planted(tmp_path: Path) -> None:
    def finding(rng: np.random.Generator, record: dict[str, Any]) -> bool:
        bad = record["items"][0]["origin_country"] == "TR" and record["transport_mode"] == 3
        return bool(rng.uniform() < (0.9 if bad else 0.03))

    found = mine(labelled(tmp_path, finding), sample_path())
    assert found.mined[0].when == 'declaration.transport_mode == 3 and item.origin_country == "TR"'
    assert found.mined[0].low > 0.7


@pytest.mark.parametrize("known", ["in the rulebook before the cut", "by its dates", "not"])
def test_a_list_drawn_up_from_the_results_that_test_it_confirms_nothing(tmp_path: Path, known: str) -> None:
    """Findings fall by chance; the list holds the goods they fell on, and so seems to foretell them."""
    material = labelled(tmp_path, lambda rng, record: rng.uniform() < 0.1, codes=400)
    codes = material.batch.items["hs_code"]
    seen = np.unique(codes[material.results.item[material.results.hit]] >> 4)
    book = tmp_path / "book"
    shutil.copytree(sample_path(), book)
    first = ",2020-01-01" if known == "by its dates" else ""
    rows = [f"{code:010d}{first}" for code in seen.tolist()]
    header = "code,valid_from" if first else "code"
    (book / "lists" / "hs_seen.csv").write_text("\n".join([header, *rows]) + "\n")
    in_force = datetime(2026, 11, 3 if known == "in the rulebook before the cut" else 10, tzinfo=UTC)
    write_manifest(book, "listed", in_force)
    mined = mine(material, book)
    named = [one.when for one in mined.mined if "lists.hs_seen" in one.when]
    assert bool(named) == (known != "not")
    assert ("hs_seen" in mined.undated) == (known == "not")
    head = proposal(mined, "x").split("rules:")[0]
    assert ("hs_seen" in head) == (known == "not")
    assert ("Entries without valid_from" in head) == (known != "in the rulebook before the cut")
    assert mined.undated.get("hs_seen", len(seen)) == len(seen)


def test_codes_that_could_change_a_condition_are_left_out(tmp_path: Path) -> None:
    def finding(rng: np.random.Generator, record: dict[str, Any]) -> bool:
        return bool(rng.uniform() < (0.9 if "true" in record["items"][0]["origin_country"] else 0.03))

    found = mine(labelled(tmp_path, finding), sample_path())
    assert all("true" not in one.when for one in found.mined)


def test_too_few_results_are_told(tmp_path: Path) -> None:
    material = labelled(tmp_path, lambda rng, record: False, days=2, per_day=50)
    with pytest.raises(InputError, match=r"too few results: .* items with 0 findings before the cut"):
        mine(material, sample_path())


def test_bounds_of_one_field_are_brought_together() -> None:
    path = (
        Comparison("item.customs_value", "low", "item.customs_value > 1", 1.0),
        Comparison("item.customs_value", "high", "item.customs_value <= 9", 9.0),
        Comparison("item.customs_value", "low", "item.customs_value > 3", 3.0),
        Comparison("has(item.quantity)", "is", "has(item.quantity)"),
    )
    assert [one.text for one in narrowed(path)] == [
        "has(item.quantity)",
        "item.customs_value > 3",
        "item.customs_value <= 9",
    ]


def test_numbers_are_written_as_the_language_reads_them() -> None:
    for x in (0.0, 1.0, -2.31, 430_000.0, 1.5e-7, -0.00123, 9.99e14, 4.32e20, 0.1):
        text = written(x)
        node = parse(f"item.customs_value > {text}").args[1]
        value = -node.args[0].value if node.kind == "negative" else node.value
        assert value == x, text


def test_trees_look_at_whole_numbers_as_such(tmp_path: Path) -> None:
    material = labelled(tmp_path, lambda rng, record: record["transport_mode"] == 5)
    book = load(sample_path())
    lived = histories(material.batch, book.policy.histories, material.lines)
    runner = Runner(*labelled_columns(material, lived, book), read_lists(sample_path()))
    features = Features.of(runner, material, material.results.hit)
    assert "history.importer_day_count" in features.whole
    assert "item.net_mass_kg" not in features.whole
    assert "declaration.transport_mode == 5" in features.conditions
    assert f'declaration.direction == "{DIRECTIONS[0]}"' in features.conditions
    patterns = grown(features, material.results.hit, np.ones(len(material.results), bool))
    assert "declaration.transport_mode == 5" in {condition(pattern) for pattern in patterns}
    assert all(runner.parsed(condition(pattern)) is not None for pattern in list(patterns)[:300])
