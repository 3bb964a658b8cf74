"""What is known of an exception is taken where it was raised, and kept with it."""

import json
import pickle
import traceback
from pathlib import Path

import pytest

from batchprocess.data import jsonl
from batchprocess.sdk.input.named_rows import NamedRows
from batchprocess.sdk.report.failure_facts import Facts, facts_of, line_of, note, observe


def raised(call) -> BaseException:
    try:
        call()
    except BaseException as error:
        return error
    raise AssertionError


def test_the_line_is_the_innermost_of_user_code_not_of_a_library() -> None:
    error = raised(lambda: json.loads("{"))
    frames = traceback.extract_tb(error.__traceback__)
    mine = [frame for frame in frames if frame.filename == __file__][-1]
    assert line_of(error.__traceback__) == f"{__file__}:{mine.lineno}"
    assert line_of(None) == ""


@pytest.mark.slow
def test_a_row_that_a_reader_cannot_read_has_the_readers_line(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"n": 1}\n{bad\n')
    failed = NamedRows(jsonl(str(tmp_path / "a.jsonl"))).__getitems__([0, 1])
    assert failed.facts.row == 1
    name, _, number = failed.facts.line.rpartition(":")
    assert name.endswith("/data/line_rows.py")
    assert number.isdigit()


def test_what_was_noted_holds_also_for_a_class_that_takes_no_attributes() -> None:
    class Strict(Exception):
        def __setattr__(self, name: str, value: object) -> None:
            raise AttributeError(name)

    facts = Facts("OSError", "row is cut", of_machine=False, line="a.py:1", row=7)
    assert facts_of(note(Strict(), facts)) is facts
    assert pickle.loads(pickle.dumps(facts)) == facts


def test_without_a_note_it_is_what_can_be_seen() -> None:
    error = raised(lambda: int("x\ny"))
    assert facts_of(error) == observe(error)
    assert facts_of(error).kind == "ValueError"
    assert " / " not in facts_of(error).said
    assert facts_of(ValueError("a\n\nb")).said == "a / b"


def test_an_error_that_fails_to_say_anything_is_known_by_its_class() -> None:
    class Silent(RuntimeError):
        def __str__(self) -> str:
            raise KeyError("no text")

    facts = facts_of(Silent())
    assert (facts.kind, facts.said) == ("Silent", "<exception str() failed>")
    assert not facts.of_machine
