"""Anomalies: identity, words and schema."""

import json
import string
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from corridor.errors import InputError
from corridor.messages.anomaly import (
    Anomaly,
    conflict,
    document,
    encode,
    key_of,
    notified,
    other_declarant,
    registry_silent,
)
from corridor.messages.anomaly_texts import DIMENSIONS, GROUPS, KINDS, OTHER_CIRCUIT, SILENCES, SUBJECTS
from corridor.messages.vocabulary import GROUPS as GROUP_NAMES
from corridor.verdicts import Notice
from tests.messages.batches import HOSTILE, plain, texts
from tests.schemas.documents import valid

SILENCE = Anomaly(
    kind="picture.silence",
    severity="critical",
    subject=("office", "10131010"),
    office="10131010",
    event_time=1_795_341_600_000_000,
    observed=0.0,
    expected=41.333,
    low=24.0,
    high=61.0,
    score=17.2,
    start=1_795_338_000_000_000,
    stop=1_795_345_200_000_000,
    rulebook="2026.11",
)


@settings(max_examples=80, deadline=None)
@given(
    kind=st.sampled_from([*KINDS, "circuit.open"]),
    subject=st.tuples(st.sampled_from([*SUBJECTS, "circuit"]), texts),
    office=st.none() | texts,
    at=st.integers(-(10**18), 10**18),
    numbers=st.lists(st.none() | st.floats(), min_size=5, max_size=5),
    evidence=st.dictionaries(texts, texts),
)
def test_any_anomaly_meets_its_schema(kind, subject, office, at, numbers, evidence) -> None:
    names = ("observed", "expected", "low", "high", "score")
    anomaly = Anomaly(
        kind, "info", subject, office, at, evidence=evidence, **dict(zip(names, numbers, strict=True))
    )
    valid("anomaly.v1", [encode(anomaly)])
    assert all(text.isprintable() for text in document(anomaly)["text"].values())


def test_the_same_again_has_the_same_id_whatever_the_rulebook_and_the_numbers() -> None:
    again = replace(SILENCE, rulebook="2027.1", score=99.0, severity="warning", evidence={"x": 1})
    assert again.anomaly_id == SILENCE.anomaly_id == "3dd4844202e2aa22bbe5f61bbdfc94f0"


@pytest.mark.parametrize(
    "change",
    [
        {"kind": "picture.drop"},
        {"subject": ("office", "1")},
        {"office": None},
        {"event_time": 0},
        {"key": "2"},
    ],
    ids=str,
)
def test_another_identity_has_another_id(change) -> None:
    assert replace(SILENCE, **change).anomaly_id != SILENCE.anomaly_id


def test_words_in_both_languages() -> None:
    assert document(SILENCE)["text"] == {
        "en": "Office 10131010 is silent: 0 declarations from 2026-11-22 09:00 to 11:00 UTC; "
        "41.3 were expected (24 to 61).",
        "ru": "Таможенный пост 10131010: тишина, деклараций с 2026-11-22 09:00 до 11:00 UTC: 0; "
        "ожидалось 41.3 (от 24 до 61).",
    }


@pytest.mark.parametrize("table", [KINDS, SUBJECTS, GROUPS, DIMENSIONS, SILENCES, {"": OTHER_CIRCUIT}])
def test_both_languages_name_the_same_values(table) -> None:
    for en, ru in table.values():
        named = [{name for _, name, _, _ in string.Formatter().parse(text) if name} for text in (en, ru)]
        assert named[0] == named[1]
        assert min(len(en), len(ru)) > 0


def test_every_reason_group_has_words() -> None:
    assert set(GROUPS) == set(GROUP_NAMES)


@pytest.mark.parametrize("identity", [*HOSTILE, "{0.__class__}", "{subject}", "%s", "{"])
def test_a_hostile_identity_is_only_a_value(identity: str) -> None:
    anomaly = replace(SILENCE, subject=("office", identity))
    found = json.loads(encode(anomaly))
    assert found["subject"]["id"] == identity
    assert "".join(sign if sign.isprintable() else "\ufffd" for sign in identity) in found["text"]["en"]


def test_a_registry_that_is_silent_and_answers_again_is_one_episode() -> None:
    """Two messages; a centre that reads both knows that it is over."""
    since, answered = 1_795_338_000_000_000, 1_795_338_600_000_000
    opened, closed = (registry_silent(since, at) for at in (None, answered))
    valid("anomaly.v1", [encode(opened), encode(closed)])
    assert opened.anomaly_id != closed.anomaly_id
    told = [document(one) for one in (opened, closed)]
    assert [one["episode"] for one in told] == [
        {"id": told[0]["episode"]["id"], "state": state, "opened_at": "2026-11-22T09:00:00.000Z"}
        for state in ("opened", "closed")
    ]
    assert [one["severity"] for one in told] == ["warning", "info"]
    assert told[0]["text"] == {
        "en": "Since 2026-11-22 09:00 UTC the registry of rulebooks does not answer: new ones do not reach the workers, "
        "those they have stay in force.",
        "ru": "С 2026-11-22 09:00 UTC реестр сводов правил не отвечает: новые до обработчиков не доходят, "
        "действуют имеющиеся.",
    }
    assert told[1]["text"]["en"] == "Since 2026-11-22 09:10 UTC the registry of rulebooks answers again."
    assert told[1]["text"]["ru"] == "С 2026-11-22 09:10 UTC реестр сводов правил снова отвечает."


def test_a_kind_without_words_is_refused() -> None:
    with pytest.raises(InputError, match=r"'picture\.new' has no text; add it"):
        encode(replace(SILENCE, kind="picture.new"))


def test_notices_become_one_anomaly_for_each_place_and_group_the_severest() -> None:
    batch, verdicts = plain(2)
    notices = (Notice(1, 0, 2, 0), Notice(1, 0, 2, 2), Notice(0, 3, 0, 1), Notice(1, 1, 2, 1))
    found = notified(batch, replace(verdicts, notices=notices))
    assert [(a.subject[1][-1], a.severity, a.evidence["group"]) for a in found] == [
        ("0", "warning", "classification"),
        ("1", "critical", "valuation"),
        ("1", "warning", "weight"),
    ]
    assert len({a.anomaly_id for a in found}) == 3
    valid("anomaly.v1", [encode(a) for a in found])
    assert document(found[0])["text"]["en"].endswith("as a whole: the centre is told of classification.")


def test_a_conflict_is_known_by_its_content() -> None:
    batch, _ = plain(1)
    first = conflict(batch, 0)
    batch.heads["content"] = np.int64(-5)
    assert conflict(batch, 0).anomaly_id != first.anomaly_id
    assert other_declarant(batch, 0).severity == "critical"
    assert key_of(first) == "declaration:10131010/221126/0000000"
    valid("anomaly.v1", [encode(first), encode(other_declarant(batch, 0))])
