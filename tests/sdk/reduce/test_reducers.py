"""Reducers go on in the next attempt, and give one result."""

import pytest

from batchprocess import MetricReducer
from batchprocess.sdk.reduce.json_codec import to_json
from batchprocess.sdk.reduce.reducers import FunctionReducer
from batchprocess.sdk.reduce.registered import RegisteredReducer


class Stateful(MetricReducer):
    """A mean with state: equal to the uninterrupted run's whatever the interruptions."""

    def reset(self):
        self.values = []

    def update(self, value):
        self.values.append(value)

    def per_slot_reduce(self):
        return sum(self.values) / len(self.values)

    def cross_slot_reduce(self, per_slot_metrics):
        return sum(per_slot_metrics) / len(per_slot_metrics)

    def state_dict(self):
        return {"values": list(self.values)}

    def load_state_dict(self, state):
        self.values = list(state["values"])


def test_a_reducer_with_state_goes_on_in_the_next_attempt():
    first, second = Stateful(), Stateful()
    first.reset()
    second.reset()
    first.update(1.0)
    RegisteredReducer(second, "m", 0).resume(
        to_json(RegisteredReducer(first, "m", 0).value_to_store())
    )
    second.update(2.0)
    again = RegisteredReducer(second, "m", 0)
    assert again.reduce([to_json(again.value_to_store())]) == {"m": 1.5}


def test_a_function_gets_one_flat_list_and_a_commit_only_what_is_new():
    one = RegisteredReducer(FunctionReducer(list), "all", 0)
    for value in (1, 2):
        one.reducer.update(value)
    first = to_json(one.value_to_store())
    one.reducer.update(3)
    assert one.reduce([first, to_json(one.value_to_store())]) == {"all": [1, 2, 3]}


def test_an_unnamed_reducer_must_return_a_dict():
    assert RegisteredReducer(FunctionReducer(lambda found: {"n": len(found)}), None, 0).reduce(
        [[1]]
    ) == {"n": 1}
    with pytest.raises(TypeError, match="must return a dict"):
        RegisteredReducer(FunctionReducer(sum), None, 0).reduce([[1]])
