from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pytest

from corridor.errors import InputError
from corridor.settings import Table, kinds


@dataclass
class Sample:
    folder: Path | None = None
    place: Path | str = ""
    backend: Literal["a", "b"] = "a"
    number: int | None = None
    on: bool = True
    left: float = 0.0


TABLE = Table("stream", kinds(Sample, {"left"}))


def given(tmp_path, text="", environment=None, **options):
    file = tmp_path / "corridor.toml"
    file.write_text(text)
    return TABLE.given(file, environment or {}, options)


def test_an_option_comes_before_the_environment_and_that_before_the_file(tmp_path):
    text = '[stream]\nfolder = "f"\nplace = "s3://a"\nnumber = 1\nbackend = "a"\non = true\n'
    environment = {
        "CORRIDOR_STREAM_NUMBER": "2",
        "CORRIDOR_STREAM_ON": "False",
        "CORRIDOR_STREAM_BACKEND": "b",
    }
    found = given(tmp_path, text, environment, number=3, backend=None)
    assert found == {"folder": Path("f"), "place": "s3://a", "number": 3, "backend": "b", "on": False}


def test_what_was_not_given_is_left_to_the_dataclass(tmp_path):
    assert given(tmp_path) == {}
    assert given(tmp_path, "[kafka]\nanything = 1\n", {"CORRIDOR_KAFKA_X": "1", "PATH": "/"}) == {}


def test_a_false_of_the_command_line_counts_as_given(tmp_path):
    assert given(tmp_path, "[stream]\non = true\n", on=False) == {"on": False}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[stream]\nnumbr = 1\n", r"corridor\.toml: stream\.numbr is not known; did you mean number\?"),
        ("[stream]\nleft = 1.0\n", r"stream\.left is not known; known are folder, place"),
        ('[stream]\nnumber = "1"\n', r"stream\.number must be a whole number"),
        ("[stream]\nnumber = true\n", r"stream\.number must be a whole number"),
        ("[stream]\nfolder = 1\n", r"stream\.folder must be a text"),
        ("[stream]\non = 1\n", r"stream\.on must be true or false"),
        ("[steam]\n", r"steam is not known; did you mean stream\?"),
        ("stream = 1\n", r"stream is not a table; write \[stream\]"),
        ("[[stream]]\n", r"stream is not a table"),
        ("[stream\n", r"give a TOML file with the tables \[kafka\] and \[stream\]"),
        ("[stream]\nnumber = 1\nnumber = 2\n", r"give a TOML file"),
    ],
)
def test_what_cannot_be_used_is_refused_with_its_name(tmp_path, text, told):
    with pytest.raises(InputError, match=told):
        given(tmp_path, text)


@pytest.mark.parametrize(
    ("name", "text", "told"),
    [
        ("NUMBR", "1", r"variable CORRIDOR_STREAM_NUMBR is not known; did you mean number\?"),
        ("NUMBER", "1.5", r"CORRIDOR_STREAM_NUMBER must be a whole number"),
        ("NUMBER", "9" * 5_000, r"must be a whole number"),
        ("NUMBER", "", r"must be a whole number"),
        ("ON", "yes", r"CORRIDOR_STREAM_ON must be true or false"),
    ],
)
def test_the_environment_is_checked_as_the_file_is(tmp_path, name, text, told):
    with pytest.raises(InputError, match=told) as error:
        given(tmp_path, "", {f"CORRIDOR_STREAM_{name}": text})
    assert "999" not in str(error.value)


@pytest.mark.parametrize("content", [b"\xff\xfe", b"\x00", b"PK\x03\x04"])
def test_what_is_no_toml_is_told(tmp_path, content):
    file = tmp_path / "corridor.toml"
    file.write_bytes(content)
    with pytest.raises(InputError, match="give a TOML file"):
        TABLE.given(file, {}, {})


def test_a_folder_in_place_of_a_file_is_told(tmp_path):
    with pytest.raises(InputError, match="Is a directory"):
        TABLE.given(tmp_path, {}, {})
