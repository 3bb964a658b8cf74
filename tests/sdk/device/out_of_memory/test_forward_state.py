"""What has changed below an object is found by name."""

import numpy as np
import torch

from batchprocess.sdk.device.out_of_memory.forward_state import ForwardState


class Holder:
    def __init__(self, **inside) -> None:
        vars(self).update(inside)


def changed(change, **inside) -> str | None:
    holder = Holder(**inside)
    before = ForwardState({"it": holder})
    change(holder)
    return before.first_change(ForwardState({"it": holder}))


def test_each_kind_of_change_is_found_where_it_is() -> None:
    assert changed(lambda it: None, a=1, b=[torch.ones(1)]) is None
    assert changed(lambda it: setattr(it, "a", 2), a=1) == "it.a"
    assert changed(lambda it: setattr(it, "b", 2), a=1) == "it.b"
    assert changed(lambda it: it.b.append(1), b=[]) == "it.b"
    assert changed(lambda it: it.b.__setitem__(0, 2), b=[1]) == "it.b.0"
    assert changed(lambda it: it.b["k"][0].add_(1), b={"k": [torch.ones(1)]}) == "it.b.k.0"
    assert changed(lambda it: it.b.__setitem__(0, 2), b=np.zeros(2)) == "it.b"
    assert changed(lambda it: it.inner.b.add(1), inner=Holder(b=set())) == "it.inner.b"


def test_values_that_equal_nothing_are_no_change() -> None:
    assert changed(lambda it: setattr(it, "a", float("nan")), a=float("nan")) is None


def test_what_holds_itself_is_looked_at_once() -> None:
    holder = Holder()
    holder.me = [holder]
    assert ForwardState({"it": holder}).is_whole


def test_a_picture_that_is_not_whole_says_so() -> None:
    assert not ForwardState({"it": Holder(many=list(range(20)))}, most=10).is_whole
