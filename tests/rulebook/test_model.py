import math
import re

import lightgbm
import numpy as np
import pytest

from corridor.errors import RulebookError
from corridor.rulebook.groups import GROUPS
from corridor.rulebook.model import Model
from tests import forests

GROUP = ("valuation", "classification", "weight", "origin", "model", "history")


def write(folder, booster, groups=GROUP, calibration="{a: 1.5, b: -0.25}"):
    text, sheet = folder / "model.txt", folder / "model.yaml"
    booster.save_model(text)
    features = [f"  - {{name: {n}, group: {g}}}" for n, g in zip(booster.feature_name(), groups, strict=True)]
    sheet.write_text("\n".join(["features:", *features, f"calibration: {calibration}", ""]))
    return text, sheet


def edited(folder, pattern, replacement, booster=None):
    text, sheet = write(folder, booster or forests.booster("nan"))
    before = text.read_text()
    after = re.sub(pattern, replacement, before, count=1, flags=re.MULTILINE)
    assert after != before
    text.write_text(after)
    return text, sheet


def test_a_model_scores_as_lightgbm_does(tmp_path):
    booster = forests.booster("nan")
    model = Model.load(*write(tmp_path, booster))
    rows = forests.odd_rows(300, 3)
    raw = model.raw(rows)
    assert np.array_equal(raw, booster.predict(rows, raw_score=True, num_threads=1))
    assert model.features == tuple(booster.feature_name())
    assert [GROUPS[g] for g in model.groups] == list(GROUP)
    want = [1 / (1 + math.exp(-(1.5 * x - 0.25))) for x in raw]
    assert model.probability(raw).tolist() == want
    lower = Model.load(*write(tmp_path, booster, calibration="{a: 1.5, b: -0.25, ceiling: 0.8}"))
    assert lower.probability(raw).tolist() == [0.8 / (1 + math.exp(-(1.5 * x - 0.25))) for x in raw]
    np.testing.assert_allclose(model.contributions(rows).sum(axis=1) + model.mean, raw, atol=1e-11)


@pytest.mark.parametrize("kind", forests.KINDS)
def test_contributions_by_group_are_those_of_the_groups_features(tmp_path, kind):
    booster = forests.booster(kind)
    names = booster.feature_name()
    model = Model.load(*write(tmp_path, booster, (GROUP * len(names))[: len(names)]))
    rows = forests.odd_rows(700, 4)
    want = np.zeros((len(rows), len(GROUPS)))
    for feature, moved in enumerate(model.contributions(rows).T):
        want[:, model.groups[feature]] += moved
    np.testing.assert_allclose(model.group_contributions(rows), want, atol=1e-11)
    cut = np.concatenate([model.group_contributions(rows[:5]), model.group_contributions(rows[5:])])
    assert np.array_equal(cut, model.group_contributions(rows))


def test_trees_of_one_leaf(tmp_path):
    rows = forests.rows(200, 1)
    data = lightgbm.Dataset(rows, np.arange(200) % 2)
    booster = lightgbm.train({"objective": "binary", "verbose": -1, "min_data_in_leaf": 150}, data, 3)
    model = Model.load(*write(tmp_path, booster))
    assert np.array_equal(model.raw(rows), booster.predict(rows, raw_score=True))
    assert not model.contributions(rows).any()


def test_one_leaf_beside_whole_trees(tmp_path):
    """A one-leaf tree between others, as refitted and hand-made models have them."""
    booster = forests.booster("nan")
    leaf = "Tree=1\nnum_leaves=1\nnum_cat=0\nsplit_feature=\nleaf_value=0.125\nis_linear=0\nshrinkage=1\n\n"
    text, sheet = edited(tmp_path, r"^Tree=2$", leaf + "Tree=2")
    rows = forests.odd_rows(50, 2)
    want = np.zeros(50)
    for tree in (0, 1, -1, *range(2, 12)):
        step = np.full(50, 0.125)
        if tree >= 0:
            step = booster.predict(rows, raw_score=True, start_iteration=tree, num_iteration=1, num_threads=1)
        want += step
    assert np.array_equal(Model.load(text, sheet).raw(rows), want)


def test_a_model_without_trees_scores_nothing(tmp_path):
    text, sheet = write(tmp_path, forests.booster("nan"))
    whole = text.read_text()
    text.write_text(whole[: whole.index("\nTree=0")] + "\nend of trees\n")
    assert Model.load(text, sheet).raw(forests.rows(3, 1)).tolist() == [0.0, 0.0, 0.0]


def test_rows_of_another_width_are_refused(tmp_path):
    model = Model.load(*write(tmp_path, forests.booster("nan")))
    for shape in ((3, 5), (3, 7), (6,)):
        with pytest.raises(RulebookError, match="takes rows of 6 features"):
            model.raw(np.zeros(shape))


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"objective": "multiclass", "num_class": 3}, "several classes"),
        ({"boosting": "rf", "bagging_freq": 1, "bagging_fraction": 0.5}, "random-forest"),
        ({"linear_tree": True}, "linear models"),
    ],
)
def test_kinds_that_would_not_score_the_same_are_refused(tmp_path, settings, message):
    rows = np.nan_to_num(forests.rows(600, 4))
    label = np.arange(600) % 3 if "num_class" in settings else rows[:, 0] > 0
    booster = lightgbm.train(
        {"objective": "binary", "verbose": -1} | settings, lightgbm.Dataset(rows, label), 2
    )
    with pytest.raises(RulebookError, match=message):
        Model.load(*write(tmp_path, booster))


@pytest.mark.parametrize(
    ("pattern", "replacement", "message"),
    [
        (r"^tree$", "forest", "not a whole LightGBM text model"),
        (r"^end of trees$", "", "not a whole LightGBM text model"),
        (r"^version=v4$", "version=v3", "version 'v3' of the text format, not 'v4'"),
        (r"^version=v4$", "", "version 'none'"),
        (r"^threshold=\S+ ", "threshold=nan ", "tree 0: a leaf value or threshold"),
        (r"^decision_type=\d+ ", "decision_type=258 ", "unknown missing type"),
        (r"^leaf_value=\S+ ", "leaf_value=", r"tree 0: leaf_value has 30 values, not 31"),
        (r"^leaf_value=\S+ ", "leaf_value=nan ", "tree 0: a leaf value or threshold"),
        (r"^leaf_value=\S+ ", "leaf_value=x ", "tree 0: leaf_value is missing or not"),
        (r"^threshold=", "thresholds=", "tree 0: threshold is missing or not"),
        (r"^split_feature=\d+ ", "split_feature=6 ", "tree 0: a split names a feature"),
        (r"^left_child=\S+ ", "left_child=0 ", "tree 0: the nodes do not form a tree"),
        (r"^left_child=\S+ ", "left_child=99 ", "tree 0: a child 99 beyond"),
        (r"^right_child=\S+ ", "right_child=-40 ", "tree 0: a child -40 beyond"),
        (r"^cat_boundaries=0 ", "cat_boundaries=1 ", "cat_boundaries do not rise"),
        (r"^num_leaves=31", "num_leaves=0", "tree 0: num_leaves is 0"),
        (r"^decision_type=\d+ ", "decision_type=12 ", "unknown missing type"),
        (r"^feature_names=\S+", "feature_names=other", "Column_0 stands where model.txt has other"),
    ],
)
def test_a_damaged_model_is_refused(tmp_path, pattern, replacement, message):
    with pytest.raises(RulebookError, match=message):
        Model.load(*edited(tmp_path, pattern, replacement))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "the file is empty"),
        ("features: []\ncalibration: {a: 1, b: 0}", "numbers differ"),
        ("features: []\ncalibration: {a: 1}", r"model.yaml:2:14: calibration: b is missing"),
        ("features: []\ncalibration: {a: .nan, b: 0}", "a is nan"),
        ("features: []\ncalibration: {a: 1, b: 0, ceiling: 1.5}", "ceiling is 1.5"),
        ("features: [{name: x, group: colour}]\ncalibration: {a: 1, b: 0}", "group is 'colour'"),
        (
            "features: [{name: x, group: model}, {name: x, group: model}]\ncalibration: {a: 1, b: 0}",
            "stands twice",
        ),
        ("features: [", "no valid YAML"),
        ("features: &x [*x]", "anchors and aliases are not allowed"),
        ("[" * 5000, "nested too deep"),
    ],
)
def test_a_wrong_sheet_is_refused(tmp_path, text, message):
    model, sheet = write(tmp_path, forests.booster("nan"))
    sheet.write_text(text)
    with pytest.raises(RulebookError, match=message):
        Model.load(model, sheet)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(RulebookError, match=r"absent.txt: cannot be read"):
        Model.load(tmp_path / "absent.txt", tmp_path / "model.yaml")
