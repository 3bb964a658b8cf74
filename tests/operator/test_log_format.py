"""Lines of the log, whoever wrote what is in them."""

import json
import logging

import pytest

from batchprocess_operator.log_format import MAX_LINE, MAX_TRACEBACK, PlainFormatter, formatter

pytestmark = pytest.mark.hostile


def logged(message: str, *given: object, error: BaseException | None = None) -> str:
    about = (type(error), error, None) if error else None
    record = logging.LogRecord("kubernetes", logging.WARNING, "", 1, message, given, about)
    return PlainFormatter().format(record)


def test_what_is_foreign_in_a_line_cannot_begin_another() -> None:
    line = logged("job %s is ignored", "a\n2030-01-01 ERROR root: \x1b[31mforged")
    assert line.endswith(" WARNING kubernetes: job a 2030-01-01 ERROR root:  [31mforged is ignored")
    assert "\n" not in line


def test_a_long_line_is_cut() -> None:
    assert len(logged("%s", "x" * 1_000_000)) == MAX_LINE


def test_of_a_long_traceback_the_end_is_kept() -> None:
    text = logged("a bug", error=ValueError("y" * 1_000_000 + "\x1bthe end"))
    assert len(text) < MAX_LINE + MAX_TRACEBACK
    assert "the end" in logged("a bug", error=ValueError("\x1bthe end"))
    assert "\x1b" not in text


def test_a_traceback_keeps_its_lines() -> None:
    try:
        int("no\x1b")
    except ValueError as error:
        record = logging.LogRecord("a", logging.ERROR, "", 1, "m", (), None)
        record.exc_info = (type(error), error, error.__traceback__)
    lines = PlainFormatter().format(record).splitlines()
    assert lines[1] == "Traceback (most recent call last):"
    assert lines[-1].startswith("ValueError: invalid literal")


def test_as_json_a_line_is_one_object_whatever_is_in_it() -> None:
    record = logging.LogRecord("kopf", logging.ERROR, "", 1, "job %s", ('a"\n\x1b{}',), None)
    line = formatter("json").format(record)
    assert "\n" not in line
    said = json.loads(line)
    assert said.pop("time").endswith("+00:00")
    assert said == {"level": "ERROR", "logger": "kopf", "message": 'job a"  {}'}


def test_as_json_a_traceback_is_a_field_and_bounded() -> None:
    error = ValueError("many\nlines\n" * 100_000 + "\x1bthe end")
    record = logging.LogRecord("a", logging.ERROR, "", 1, "m", (), (type(error), error, None))
    said = json.loads(formatter("json").format(record))
    assert said["exception"].endswith(" the end")
    assert len(said["exception"]) <= MAX_TRACEBACK
