"""Results of checks: read, written, and refused with the line that is wrong."""

from pathlib import Path

import pytest

from corridor.errors import InputError
from corridor.messages import result
from corridor.messages.columns import NO_MONEY
from tests.schemas.documents import valid

GOOD = [
    b'{"declaration_id":"a","item_no":3,"at":"2026-11-23T14:02:00+03:00","finding":"violation","recovered":120450.1}',
    b"",
    '{"declaration_id":"Ж\\"","at":"2026-11-23T14:02:00Z","finding":"none","recovered":null,"more":1}'.encode(),
]


def test_results_come_as_columns_and_go_back() -> None:
    found = result.decode(GOOD)
    assert found.declaration_id.tolist() == ["a", 'Ж"']
    assert found.item_no.tolist() == [3, 0]
    assert (found.at[1] - found.at[0]) == 3 * 3_600_000_000
    assert found.finding.tolist() == [1, 0]
    assert found.recovered.tolist() == [12_045_010, NO_MONEY]
    lines = result.encode(found)
    valid("result.v1", lines)
    assert [getattr(result.decode(lines), name).tolist() for name in ("at", "recovered")] == [
        found.at.tolist(),
        found.recovered.tolist(),
    ]


def test_none_at_all() -> None:
    assert len(result.decode([])) == 0
    assert result.encode(result.decode([])) == []


def test_a_folder_is_read_in_the_order_of_its_names(tmp_path: Path) -> None:
    (tmp_path / "b.ndjson").write_bytes(GOOD[2])
    (tmp_path / "a.ndjson").write_bytes(GOOD[0] + b"\n")
    (tmp_path / "c.txt").write_bytes(b"no")
    assert result.read(tmp_path).declaration_id.tolist() == ["a", 'Ж"']
    assert len(result.read(tmp_path / "a.ndjson")) == 1


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"{", "line 1 is no result"),
        (b"\xff", "line 1 is no result"),
        (b'{"at":"2026-11-23T14:02:00Z","finding":"none"}', "missing required field `declaration_id`"),
        (b'{"declaration_id":"a","at":"2026-11-23T14:02:00","finding":"none"}', "give RFC 3339 with offset"),
        (b'{"declaration_id":"a","at":"2026-11-23T14:02:00Z","finding":"some"}', "Invalid enum value 'some'"),
        (b'{"declaration_id":"a","item_no":0,"at":"2026-11-23T14:02:00Z","finding":"none"}', "`int` >= 1"),
        (
            b'{"declaration_id":"a","at":"2026-11-23T14:02:00Z","finding":"none","recovered":-1}',
            "zero or more",
        ),
        (
            b'{"declaration_id":"a","at":"2026-11-23T14:02:00Z","finding":"none","recovered":"NaN"}',
            "zero or more",
        ),
        (
            b'{"declaration_id":"a","at":"2026-11-23T14:02:00Z","finding":"none","recovered":1e400}',
            "zero or more",
        ),
    ],
)
def test_faults_name_the_line(line: bytes, says: str) -> None:
    with pytest.raises(InputError, match=says):
        result.decode([line])


def test_missing_files_are_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"holds no \*\.ndjson file"):
        result.read(tmp_path)
    with pytest.raises(InputError, match="cannot be read"):
        result.read(tmp_path / "none.ndjson")
