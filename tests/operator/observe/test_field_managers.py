"""Who else sets what we set: names that clients give themselves."""

from typing import Any

import pytest

from batchprocess_operator.observe.field_managers import MAX_NAME, other_managers


def entry(manager: Any, *fields: str, time: str = "") -> dict[str, Any]:
    return {
        "manager": manager,
        "time": time,
        "fieldsV1": {"f:spec": {f"f:{one}": {} for one in fields}},
    }


def test_the_last_one_but_us_is_named_of_each_field_that_we_set():
    found = other_managers(
        {
            "managedFields": [
                entry("kueue", "suspend", "parallelism", time="2030-01-01T12:00:02Z"),
                entry("kubectl-edit", "suspend", "template", time="2030-01-01T12:00:01Z"),
                entry(
                    "batchprocess-operator", "activeDeadlineSeconds", time="2030-01-01T12:00:03Z"
                ),
            ]
        }
    )
    assert found == {"suspend": "kueue", "parallelism": "kueue"}


@pytest.mark.hostile
def test_a_name_is_cut_and_made_plain():
    (name,) = other_managers(
        {"managedFields": [entry("a\n\x1b[31m" + "x" * 999, "suspend")]}
    ).values()
    assert len(name) == MAX_NAME
    assert name.startswith("a  [31mxxx")


@pytest.mark.parametrize(
    "fields",
    [
        None,
        [],
        ["kueue"],
        [{}],
        [entry(None, "suspend")],
        [{"manager": "kueue"}],
        [{"manager": "kueue", "fieldsV1": None}],
        [{"manager": "kueue", "fieldsV1": {"f:spec": "."}}],
        [{"manager": "kueue", "fieldsV1": {"f:status": {"f:suspend": {}}}, "time": 7}],
    ],
)
def test_what_says_nothing_of_our_fields_names_nobody(fields):
    assert other_managers({"managedFields": fields}) == {}
