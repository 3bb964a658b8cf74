"""Keys of one group and step do not repeat, and what was reported is not kept to know that."""

import tracemalloc

import pytest

from batchprocess.sdk.user.reported_metrics import MAX_KEYS, ReportedMetrics


def test_a_repeated_key_is_refused_and_the_rest_of_its_call_is_not_taken():
    reported = ReportedMetrics()
    for step in range(3):
        reported.new_entry("g", step, {"loss": 0.5})
    with pytest.raises(ValueError, match="'loss' was reported already for group 'g', step 1"):
        reported.new_entry("g", 1, {"accuracy": 1, "loss": 0.5})
    assert reported.new_entry("g", 1, {"accuracy": 1}).metrics == {"accuracy": 1}
    assert reported.new_entry("h", 1, {"loss": 0.5}).group == "h"


def test_reports_of_many_steps_take_no_memory():
    reported = ReportedMetrics()
    reported.new_entry("g", 0, {"loss": 0.5, "accuracy": 1})
    tracemalloc.start()
    try:
        for step in range(1, 5_000):
            reported.new_entry("g", step, {"loss": 0.5, "accuracy": 1})
        kept, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert kept < 50_000


def test_of_keys_without_end_those_that_came_first_are_forgotten():
    reported = ReportedMetrics()
    for number in range(MAX_KEYS + 2):
        reported.new_entry("g", 0, {f"row {number}": number})
    assert len(reported._seen) == MAX_KEYS
    with pytest.raises(ValueError, match=f"'row {MAX_KEYS + 1}' was reported already"):
        reported.new_entry("g", 0, {f"row {MAX_KEYS + 1}": 0})
