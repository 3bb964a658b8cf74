"""Fields that a newer CRD has: which of them mean anything, and what is said of them."""

from typing import Any

import pytest

from batchprocess_operator.model.job import UnknownField
from batchprocess_operator.observe.unknown_fields import (
    MAX_NAMED,
    refusal,
    undefaulted,
    warning,
)

COLOUR = {"type": "string", "default": "blue"}
NOTIFY = {
    "properties": {
        "level": {"default": 3},
        "to": {"properties": {"name": {"default": "team"}, "mail": {}}, "default": {}},
        "who": {"items": {"properties": {"loud": {"default": False}}}},
    },
    "default": {"who": [{}]},
}
TOLERATION = {"properties": {"until": {"default": 60}}}
SPEC = {
    "properties": {
        "colour": COLOUR,
        "notify": NOTIFY,
        "limits": {"additionalProperties": {"default": 1}},
        "tolerations": {"items": TOLERATION},
    }
}
SCHEMA = {"properties": {"spec": SPEC}}


def field(value: Any, *path: str | int) -> UnknownField:
    return UnknownField(("spec", *path), value)


@pytest.mark.parametrize(
    "harmless",
    [
        field("blue", "colour"),
        field(None, "colour"),
        field(None, "of a CRD that we have not read yet"),
        field({"level": 3, "to": {"name": "team"}, "who": [{"loud": False}]}, "notify"),
        field(60, "tolerations", 7, "until"),
        field(1, "limits", "any"),
    ],
)
def test_nothing_is_meant_by_null_and_by_what_the_api_server_has_filled_in(
    harmless: UnknownField,
) -> None:
    assert undefaulted([harmless], SCHEMA) == []


@pytest.mark.parametrize(
    "meant",
    [
        field("red", "colour"),
        field(True, "limits", "any"),
        field({"level": 4, "to": {"name": "team"}, "who": [{"loud": False}]}, "notify"),
        field({"level": 3}, "notify"),
        field({}, "notify", "to", "mail"),
        field(61, "tolerations", 0, "until"),
        field("blue", "of a CRD that we have not read yet"),
        field("blue", "colour", "in", 3, "what is no object"),
    ],
)
def test_everything_else_was_meant_by_somebody(meant: UnknownField) -> None:
    assert undefaulted([meant], SCHEMA) == [meant]


def test_nothing_is_a_default_by_a_schema_that_is_none() -> None:
    assert undefaulted([field("blue", "colour")], {}) == [field("blue", "colour")]


def test_why_nothing_is_begun_says_field_value_and_remedy() -> None:
    why = refusal([field("red", "colour"), field(1, "mood"), field(2, "worker", "hue")])
    assert why.startswith('spec.colour is "red", and the operator (')
    assert why.endswith("or leave the field out; so with spec.mood, spec.worker.hue")


@pytest.mark.hostile
def test_what_is_said_is_bounded_in_names_and_values() -> None:
    many = [field(0, "template", "x" * 500, at) for at in range(1_000)]
    assert "990 more" in warning(many, "").message
    assert len(warning(many, "").message) < 100 * MAX_NAMED + 400
    long = refusal([field("x" * 100_000 + "\n", "colour"), *many], "no such path")
    assert len(long) < 100 * MAX_NAMED + 500
