"""Files of a JSON object: strict both ways, and every kind of damage is one that callers catch."""

import pytest

from gen_models.storage import json_files


def test_an_object_is_read_as_it_was_written(tmp_path):
    values = {"a": [1, 2.5, None, "ä"], "b": {"c": True}}
    for indent in (None, 1, 2):
        json_files.write(tmp_path / "file.json", values, indent)
        assert json_files.read(tmp_path / "file.json") == values


@pytest.mark.parametrize("number", [float("nan"), float("inf"), float("-inf")])
def test_numbers_that_are_not_finite_are_not_written_and_leave_the_file_as_it_was(tmp_path, number):
    json_files.write(tmp_path / "file.json", {"a": 1})
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_files.write(tmp_path / "file.json", {"a": number})
    assert json_files.read(tmp_path / "file.json") == {"a": 1}


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "null", '{"a": NaN}', '{"a": -Infinity}', "[" * 100_000, b"\xff\xfe{}"],
    ids=["empty", "cut", "list", "null", "nan", "infinity", "nested", "encoding"],
)
def test_whatever_else_a_file_holds_is_damage(tmp_path, text):
    path = tmp_path / "file.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(json_files.DAMAGES):
        json_files.read(path)


def test_a_file_that_is_not_there_is_an_error_of_the_system(tmp_path):
    with pytest.raises(FileNotFoundError):
        json_files.read(tmp_path / "file.json")
