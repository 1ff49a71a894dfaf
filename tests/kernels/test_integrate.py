import math

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from corridor.kernels import corridors, integrate, reasons
from corridor.rulebook.groups import BASES, GROUPS
from tests.naive import integrate as naive

G = len(GROUPS)
EPSILON = math.log(1.5)
probabilities = st.one_of(st.floats(0, 1), st.sampled_from([0.0, 1.0, math.nan, math.inf, -math.inf]))
rule = st.tuples(st.floats(0, 1), st.integers(0, 4), st.sampled_from([-1, 1, 2, 3]), st.integers(0, G - 1))


@st.composite
def batches(draw):
    rules = draw(st.lists(rule, max_size=6))
    counts = draw(st.lists(st.integers(1, 4), max_size=6))
    m = sum(counts)
    hits = draw(
        st.lists(
            st.lists(st.integers(0, 1), min_size=m, max_size=m), min_size=len(rules), max_size=len(rules)
        )
    )
    p = draw(st.lists(probabilities, min_size=m, max_size=m))
    shift = draw(st.lists(st.floats(-EPSILON, EPSILON), min_size=len(counts), max_size=len(counts)))
    return rules, counts, hits, p, shift


def columns(rules):
    table = list(zip(*rules, strict=True)) if rules else [(), (), (), ()]
    return integrate.RuleColumns(*(np.array(column) for column in table))


def run(rules, counts, hits, p, shift):
    declaration = np.repeat(np.arange(len(counts)), counts)
    hits = np.array(hits, np.uint8).reshape(len(rules), len(p))
    evidence = integrate.integrate(
        hits, columns(rules), np.array(p, float), np.array(shift, float), declaration, G
    )
    return declaration, evidence


def offsets_of(counts):
    return np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)


@given(batches())
def test_the_integrator_equals_its_twin(batch):
    rules, counts, hits, p, shift = batch
    declaration, evidence = run(*batch)
    rows = naive.integrate(hits, rules, p, shift, declaration, G)
    assert len(rows) == len(evidence.probability)
    for i, (probability, neutral, floor, exempt, nats, mandatory) in enumerate(rows):
        assert evidence.probability[i] == probability
        assert evidence.neutral[i] == neutral
        assert evidence.floor[i] == floor
        assert evidence.exempt[i] == exempt
        assert evidence.nats[i].tolist() == nats
        assert evidence.mandatory[i].tolist() == mandatory


@given(batches(), st.data())
def test_corridors_and_reasons_equal_their_twins(batch, data):
    rules, counts, hits, p, shift = batch
    declaration, evidence = run(*batch)
    n = len(counts)
    thresholds = [sorted(data.draw(st.tuples(*[st.floats(0, 1)] * 3))) for _ in range(n)]
    rate, draw = np.full(n, 0.3), np.array([data.draw(st.floats(0, 0.999)) for _ in range(n)])
    late = np.array([data.draw(st.booleans()) for _ in range(n)], bool)
    cancelled = np.array([data.draw(st.booleans()) for _ in range(n)], bool)
    policy = corridors.Policy(np.array(thresholds, float).reshape(n, 3), rate, corridors.RED)
    offsets = offsets_of(counts)
    chosen = corridors.choose(offsets, evidence, policy, corridors.Circumstances(draw, late, cancelled))
    drawn = np.array([BASES[b] == "random" for b in chosen.basis], bool)
    why = reasons.explain(offsets, np.arange(len(p)) + 1, chosen.corridor > 0, evidence, drawn, 5)
    rows = naive.integrate(hits, rules, p, shift, declaration, G)
    for d in range(n):
        mine = rows[offsets[d] : offsets[d + 1]]
        corridor, probability, basis, at_random, item_corridors = naive.choose(
            mine, thresholds[d], 0.3, corridors.RED, draw[d], late[d], cancelled[d]
        )
        assert (chosen.corridor[d], chosen.probability[d]) == (corridor, probability)
        assert BASES[chosen.basis[d]] == basis
        assert chosen.at_random[d] == at_random
        assert chosen.item_corridor[offsets[d] : offsets[d + 1]].tolist() == item_corridors
        expected = []
        if corridor > 0:
            item_nos = range(offsets[d] + 1, offsets[d + 1] + 1)
            expected = naive.explain(item_nos, mine, 5, G - 1 if drawn[d] else None)
        told = [
            (int(g), int(i), float(c))
            for g, i, c in zip(why.group[d], why.item_no[d], why.contribution[d], strict=True)
            if g >= 0
        ]
        assert told == expected


@given(batches(), st.tuples(*[st.floats(0.001, 1)] * 3).map(sorted))
def test_the_coefficient_alone_never_moves_green_to_red(batch, thresholds):
    rules, counts, hits, p, _ = batch
    n = len(counts)
    policy = corridors.Policy(np.tile(np.array(thresholds), (n, 1)), np.zeros(n), corridors.RED)
    nothing = corridors.Circumstances(np.ones(n), np.zeros(n, bool), np.zeros(n, bool))
    found = {}
    for shift in (0.0, -EPSILON, EPSILON):
        _, evidence = run(rules, counts, hits, p, [shift] * n)
        found[shift] = corridors.choose(offsets_of(counts), evidence, policy, nothing).corridor
    for shift in (-EPSILON, EPSILON):
        assert not np.any((found[0.0] == corridors.GREEN) & (found[shift] == corridors.RED))


@given(batches(), st.integers(1, 5))
def test_a_batch_may_be_cut_anywhere(batch, cut):
    rules, counts, hits, p, shift = batch
    cut = min(cut, len(counts))
    m = sum(counts[:cut])
    _, whole = run(*batch)
    _, first = run(rules, counts[:cut], [row[:m] for row in hits], p[:m], shift[:cut])
    _, second = run(rules, counts[cut:], [row[m:] for row in hits], p[m:], shift[cut:])
    for name in ("probability", "neutral", "floor", "exempt", "nats"):
        parts = [getattr(first, name), getattr(second, name)]
        assert np.array_equal(getattr(whole, name), np.concatenate(parts))


def test_read_only_and_strided_input_is_taken():
    p = np.linspace(0, 1, 8)[::2]
    p.flags.writeable = False
    hits = np.ones((2, 8), np.uint8)[:, ::2]
    rules = [(0.5, 0, -1, 0), (0.2, 0, -1, 1)]
    evidence = integrate.integrate(hits, columns(rules), p, np.zeros(4), np.arange(4), G)
    assert evidence.probability.tolist() == [naive.rounded(1 - (1 - min(x, 1 - 1e-9)) * 0.5 * 0.8) for x in p]
