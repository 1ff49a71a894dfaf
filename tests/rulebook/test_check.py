"""A rulebook folder is checked whole; every problem has its place; what is loaded is what was written."""

import shutil
from datetime import UTC, datetime

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from click.testing import CliRunner

from corridor.commands.rulebook import rulebook as command
from corridor.errors import RulebookError
from corridor.messages.tokens import hs_token, token
from corridor.rulebook.check import examine
from corridor.rulebook.groups import GROUPS, RESPONSES
from corridor.rulebook.load import Shelf, load
from corridor.rulebook.rates import RateTable
from corridor.rulebook.sample import sample_path
from tests.rulebook.rule_material import CORRIDORS, RULE, problems_of, rule, seal


def test_the_sample_is_fit_to_judge_by():
    book, problems = examine(sample_path())
    assert problems == []
    assert book is not None
    assert len(book.rules) >= 40
    groups, responses = {GROUPS[g] for g in book.rules.group}, {RESPONSES[r] for r in book.rules.response}
    assert groups == set(GROUPS) - {"random", "model"}
    assert responses == set(RESPONSES)
    assert all(r.owner and r.legal_basis and r.valid_from and r.title for r in book.rules.rules)
    assert len(book.lists["countries"]) == 249
    assert hs_token("871500") in book.lists["hs_nomenclature"].tokens
    assert token("ZZ") not in book.lists["countries"].tokens


def test_a_minimal_rulebook_loads(folder):
    book = load(seal(folder))
    assert (book.version, len(book.rules), book.model, len(book.rates)) == ("v1", 1, None, 0)
    assert book.effective_from == 1_577_836_800_000_000
    assert book.sampling_key == bytes.fromhex("ab" * 32)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"when": "item.pakages > 5"},
            "rules.yaml:5:11: rule R1: there is no field 'item.pakages'; did you mean",
        ),
        ({"when": "|\n      true and\n      item.pakages > 5"}, "rules.yaml:7:7: rule R1: there is no field"),
        ({"when": "'item.pakages > 5'"}, "rules.yaml:5:12:"),
        ({"when": "1 > 2"}, "this is never true"),
        ({"group": "wieght"}, "rules.yaml:3:12: group is 'wieght'; did you mean \"weight\"?"),
        ({"group": "random"}, "not for rules"),
        ({"weight": "1.5"}, "weight is 1.5; it must be from 0 to 0.999"),
        ({"weight": ".nan"}, "weight is nan"),
        ({"weight": ""}, "rule R1: weight is missing"),
        ({"weight": "heavy"}, "weight must be a number, not a text"),
        ({"owner": ""}, "owner is missing"),
        ({"legal_basis": "17"}, "legal_basis must be a text"),
        ({"response": "at_least"}, "corridor is missing"),
        ({"response": "exempt", "weight": ""}, "an exemption needs valid_until"),
        ({"response": "notify"}, "weight has no effect with response notify"),
        ({"valid_from": "2020-13-01"}, "write a day as 2026-01-31"),
        ({"valid_until": "2019-01-01"}, "valid_until lies before valid_from"),
        ({"stage": "asleep"}, "stage is 'asleep'"),
        ({"wieght": "0.1"}, "unknown key 'wieght'; did you mean weight?"),
        ({"scope": "{directions: [imports]}"}, "'imports' is no direction"),
        ({"scope": "{offices: [10131010]}"}, "put codes in quotes"),
        ({"scope": "{office: ['10131010']}"}, "did you mean offices?"),
        ({"when": "history.importer_day_count > 5"}, "add importer/day to histories"),
        ({"title": "!!python/object/apply:os.system ['x']"}, "not allowed"),
        ({"title": "&a x"}, "anchors and aliases are not allowed"),
    ],
)
def test_problems_in_rules_name_their_place(folder, changes, said):
    (folder / "rules.yaml").write_text(rule(**changes))
    found = problems_of(folder)
    assert any(said in text for text in found), found


def test_all_problems_are_listed(folder):
    (folder / "rules.yaml").write_text(
        "rules:\n" + RULE + RULE + RULE.replace("R1", "R2").replace("0.2", "2")
    )
    (folder / "corridors.yaml").write_text(
        "thresholds:\n  - {direction: import, blue: 0.5, yellow: 0.3, red: 0.6}\n"
    )
    (folder / "lists" / "hs_x.csv").write_text("code\n8517\n8517\n85x\n")
    (folder / "sampling.key").write_text("short")
    (folder / "notes.txt").write_text("")
    found = problems_of(folder)
    for said in (
        "rules.yaml:11:5: rule 'R1' stands in line 2 already",
        "weight is 2",
        "blue <= yellow <= red",
        "last row of thresholds must have no conditions",
        "lists/hs_x.csv:3:1: '8517' stands in line 2 already",
        "lists/hs_x.csv:4:1: '85x' is no HS code",
        "sampling.key:1:1: must hold 64 hex signs",
        "notes.txt: not a part of a rulebook",
    ):
        assert any(said in text for text in found), (said, found)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("", "the file is empty"),
        ("rules: [", "no valid YAML"),
        ("rules: {a: 1, a: 2}", "stands twice"),
        ("- 1", "must be a mapping"),
        ("rules: 5", "must be a list"),
        ("rules: [5]", "must be a mapping"),
        ("a: &x [*x]", "not allowed"),
        ("[" * 5000, "nested too deep"),
        ("rules: !!binary aGk=", "not allowed"),
        ("\x00", "cannot be read"),
    ],
)
def test_yaml_that_is_no_rulebook(folder, text, said):
    (folder / "rules.yaml").write_text(text)
    found = problems_of(folder)
    assert any(said in line for line in found), found


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("thresholds: []", "corridors.yaml"),
        (
            "thresholds:\n  - {blue: 0.1, yellow: 0.2, red: 0.3}\n  - {blue: 0.1, yellow: 0.2, red: 0.3}\n",
            "never used",
        ),
        (CORRIDORS + "random: {rate: 2}\n", "rate is 2; it must be from 0 to 1"),
        (CORRIDORS + "histories: [importer/month]\n", "'importer/month' is no history"),
        (CORRIDORS + "norms: {n_min: 0}\n", "n_min is 0"),
        (CORRIDORS.replace("{blue", "{hours: [7], blue"), "hours must be [from, to]"),
        (CORRIDORS.replace("{blue", "{office: 101, blue"), "put it in quotes"),
    ],
)
def test_problems_in_corridors(folder, text, said):
    (folder / "corridors.yaml").write_text(text)
    found = problems_of(folder)
    assert any(said in line for line in found), found


def test_a_changed_missing_or_added_file_is_refused(folder):
    (folder / "lists" / "offices.csv").write_text("code\n101\n")
    seal(folder)
    (folder / "rules.yaml").write_text("rules:\n" + RULE.replace("0.2", "0.3"))
    (folder / "lists" / "offices.csv").unlink()
    (folder / "lists" / "extra.csv").write_text("code\n1\n")
    found = [str(p) for p in examine(folder)[1]]
    assert any("rules.yaml: changed after the manifest" in t for t in found)
    assert any("offices.csv is listed but not in the folder" in t for t in found)
    assert any("extra.csv is in the folder but not listed" in t for t in found)
    with pytest.raises(RulebookError, match=r"and 2 more: corridor rulebook check"):
        load(folder)


def test_no_rulebook_at_all(tmp_path):
    for path, said in ((tmp_path / "none", "no such folder"), (tmp_path, "no manifest.yaml")):
        with pytest.raises(RulebookError, match=said):
            load(path)
        with pytest.raises(RulebookError, match=said):
            Shelf.load(path)


def test_the_rulebook_in_force_is_the_newest_that_has_begun(folder, tmp_path_factory):
    shelf_folder = tmp_path_factory.mktemp("shelf")
    for version, year in (("b", 2022), ("a", 2020)):
        shutil.copytree(folder, shelf_folder / version)
        seal(shelf_folder / version, version, year)
    shelf = Shelf.load(shelf_folder)
    start = shelf.starts
    assert [b.version for b in shelf.rulebooks] == ["a", "b"]
    moments = np.array([0, start[0], start[1] - 1, start[1], 2**62])
    assert shelf.at(moments).tolist() == [0, 0, 0, 1, 1]
    seal(shelf_folder / "a", "b", 2020)
    with pytest.raises(RulebookError, match="same version"):
        Shelf.load(shelf_folder)


def test_scope_and_validity_are_compiled_in(folder):
    scope = '{directions: [import, transit], offices: ["10131010"], procedures: ["40"]}'
    (folder / "rules.yaml").write_text(rule(when="true", scope=scope, valid_until="2026-01-31"))
    rules = load(seal(folder)).rules
    last = datetime(2026, 1, 31, 23, 59, 59, tzinfo=UTC).timestamp()
    rows = [
        ("import", "10131010", "40", last),
        ("import", "10131010", "40", last + 1),
        ("import", "10131010", "40", 0.0),
        ("export", "10131010", "40", last),
        ("import", "10131011", "40", last),
        ("import", "10131010", "51", last),
        ("transit", "10131010", "40", last),
    ]
    tokens = {f"declaration.{n}": i for i, n in enumerate(("direction", "office", "procedure"))}
    codes = np.array([[token(row[tokens[name]]) for row in rows] for name in rules.codes])
    assert rules.run(np.array([[row[3] for row in rows]]), codes).tolist() == [[1, 0, 0, 0, 0, 0, 1]]


def test_shadow_rules_are_kept_apart(folder):
    (folder / "rules.yaml").write_text("rules:\n" + RULE + RULE.replace("R1", "R2") + "    stage: shadow\n")
    book = load(seal(folder))
    assert (book.rules.ids, book.shadow.ids) == (["R1"], ["R2"])


def test_thresholds_and_strata_by_direction_office_and_hour(folder):
    (folder / "corridors.yaml").write_text(
        """\
thresholds:
  - {direction: import, office: "10131010", hours: [22, 6], blue: 0.01, yellow: 0.02, red: 0.03}
  - {direction: import, blue: 0.1, yellow: 0.2, red: 0.3}
  - {blue: 0.4, yellow: 0.5, red: 0.6}
random: {corridor: yellow, rate: 0.005, strata: [{direction: export, rate: 0.002}]}
norms: {n_min: 12}
histories: [importer/day, exporter/week]
"""
    )
    policy = load(seal(folder)).policy
    office = np.array([token("10131010")] * 3 + [5, 5])
    got = policy.resolve(np.array([0, 0, 0, 0, 1], np.int8), office, np.array([23, 5, 6, 23, 23], np.int8))
    assert got.thresholds[:, 0].tolist() == [0.01, 0.01, 0.1, 0.1, 0.4]
    assert got.random_rate.tolist() == [0.005] * 4 + [0.002]
    assert (got.random_corridor, policy.n_min) == (2, 12)
    assert policy.histories == (("importer", "day"), ("exporter", "week"))
    assert policy.resolve(
        np.empty(0, np.int8), np.empty(0, np.int64), np.empty(0, np.int8)
    ).thresholds.shape == (0, 3)


DAY = 86_400_000_000


def test_rates_age_and_end(tmp_path):
    path = tmp_path / "rates.csv"
    path.write_text("currency,date,rate\nUSD,1970-01-11,92.5\nUSD,1970-01-13,93\nEUR,1970-01-11,100.25\n")
    table = RateTable.load(path)
    usd, eur = token("USD"), token("EUR")
    currency = np.array([usd, usd, usd, usd, usd, eur, token("XXX"), 0])
    day = np.array([9, 10, 11, 12, 21, 17, 10, 10]) * DAY + 5
    rate, age = table.rate(currency, day)
    np.testing.assert_array_equal(rate, [np.nan, 92.5, 92.5, 93, np.nan, 100.25, np.nan, np.nan])
    assert age.tolist()[1:4] == [0, 1, 0]
    assert age[0] > 7
    assert age[4] > 7
    assert age.tolist()[5:] == [7, -1, -1]
    assert table.rate(currency[:0], day[:0])[0].shape == (0,)
    assert RateTable.empty().rate(currency, day)[1].tolist() == [-1] * 8


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("USD,92\n", "the header must be currency,date,rate"),
        ("currency,date,rate\nUSD,2026-13-01,92\n", "line 2"),
        ("currency,date,rate\nUSD,2026-12-01,-1\n", "rate above 0"),
        ("currency,date,rate\nUSD,2026-12-01\n", "line 2"),
        (
            "currency,date,rate\nUSD,2026-12-01,1\nUSD,2026-12-01,2\n",
            "two rates of one currency on 2026-12-01",
        ),
    ],
)
def test_bad_rates_are_refused(folder, text, said):
    (folder / "rates.csv").write_text(text)
    assert any(said in line for line in problems_of(folder))


def test_rates_as_parquet(folder):
    day = datetime(2026, 1, 1).date()
    pq.write_table(pa.table({"currency": ["USD"], "date": [day], "rate": [92.5]}), folder / "rates.parquet")
    rates = load(seal(folder)).rates
    assert rates.rate(np.array([token("USD")]), rates.keys % (1 << 32) * DAY)[0].tolist() == [92.5]


def test_list_entries_end(folder):
    (folder / "lists" / "risky.csv").write_text(
        "code,valid_until,reason\nCN,,x\nHK,2026-01-31,y\nXK,2019-01-01,z\n"
    )
    (folder / "rules.yaml").write_text(rule(when="item.origin_country in lists.risky"))
    book = load(seal(folder))
    assert set(book.lists["risky"].valid_at(book.effective_from).tolist()) == {token("CN"), token("HK")}
    end = datetime(2026, 2, 1, tzinfo=UTC).timestamp()
    codes = np.array([[token("CN"), token("HK"), token("HK"), token("XK"), 0]])
    assert book.rules.run(np.array([[end, end - 1, end, end, end]]), codes).tolist() == [[1, 1, 0, 0, 0]]


def test_the_command_lists_problems_and_ends_with_2(folder):
    (folder / "rules.yaml").write_text(rule(title="'[red]bold\\x1b'", weight="7", owner=""))
    result = CliRunner().invoke(command, ["check", str(seal(folder))])
    assert result.exit_code == 2
    assert "weight is 7" in result.output
    assert "owner is missing" in result.output
    assert "2 problems" in result.output
    good = CliRunner().invoke(command, ["check", str(sample_path())])
    assert good.exit_code == 0
    assert "fit to judge by" in good.output
    assert isinstance(CliRunner().invoke(command, ["check", str(folder / "x")]).exception, RulebookError)
