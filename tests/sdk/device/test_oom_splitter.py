"""A model that does not fit runs in parts, and its output is that of the whole batch."""

import weakref
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch

from batchprocess.sdk.device.oom_splitter import OomSplitter

Pair = namedtuple("Pair", "a b")
ROWS = 10


@dataclass
class Output(OrderedDict):
    """Like Hugging Face's: a dataclass that is a dict."""

    logits: torch.Tensor | None = None
    hidden: tuple | None = None

    def __post_init__(self):
        for name in ("logits", "hidden"):
            if getattr(self, name) is not None:
                self[name] = getattr(self, name)


@dataclass
class Plain:
    """A dataclass of a user's."""

    x: torch.Tensor
    note: str


class Small:
    """A device on which `fits` rows fit; records what ran and what was freed."""

    def __init__(self, fits: int) -> None:
        self.fits, self.ran, self.freed = fits, [], 0
        self.splitter = OomSplitter(self.free)

    def free(self) -> None:
        self.freed += 1

    def run(self, make, *args, **kwargs):
        def model(x, **named):
            self.ran.append(len(x))
            if len(x) > self.fits:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return make(x, **named)

        return self.splitter(model, args, kwargs)


X = torch.arange(float(ROWS * 2)).reshape(ROWS, 2)
OUTPUTS = {
    "tensor": lambda x: x * 2,
    "tuple": lambda x: (x, x.sum(1)),
    "list": lambda x: [x, (x + 1,)],
    "dict": lambda x: {"a": x, "b": {"c": x}},
    "namedtuple": lambda x: Pair(x, None),
    "model output": lambda x: Output(logits=x, hidden=(x, x + 1)),
    "dataclass": lambda x: Plain(x, "same"),
}


@pytest.mark.parametrize("make", OUTPUTS.values(), ids=OUTPUTS)
@pytest.mark.parametrize("fits", [1, 3, 5, 9])
def test_outputs_are_those_of_the_whole_batch(make, fits) -> None:
    made, whole = Small(fits).run(make, X), make(X)
    assert type(made) is type(whole)
    assert repr(made) == repr(whole)


def test_the_safe_size_is_remembered_and_said_once(caplog) -> None:
    small = Small(fits=4)
    for _ in range(3):
        assert torch.equal(small.run(lambda x: x, X), X)
    assert small.ran == [10, 5, *([3] * 3 + [1]) * 3]
    assert small.freed == 2
    assert len(caplog.messages) == 1
    assert "does not hold 10 rows in the model at once: going on with 3" in caplog.messages[0]


def test_smaller_batches_run_whole() -> None:
    small = Small(fits=5)
    small.run(lambda x: x, X)
    small.ran.clear()
    small.run(lambda x: x, X[:4])
    assert small.ran == [4]


def test_only_tensors_with_the_batchs_first_dimension_are_split() -> None:
    def make(x, mask, table, deep, scale):
        assert len(x) == len(mask) == len(deep["m"][0])
        assert (table.shape, scale.dim()) == ((3,), 0)
        return x * scale

    named = {
        "mask": torch.ones(ROWS, 1),
        "table": torch.ones(3),
        "deep": {"m": (torch.ones(ROWS),)},
        "scale": torch.tensor(3.0),
    }
    assert torch.equal(Small(fits=4).run(make, X, **named), X * 3)


@pytest.mark.parametrize(
    ("make", "what"),
    [
        (lambda x: x.sum(), r"a tensor of shape \(\) for 5 rows"),
        (lambda x: x.t(), r"a tensor of shape \(2, 5\) for 5 rows"),
        (lambda x: {"cache": object()}, "a object among them"),
        (lambda x: (x, len(x), float(x.sum())), "a float among them"),
        (lambda x: {"x": x, "label": ["cat"] * len(x)}, "a list with one value for each row"),
    ],
)
def test_what_cannot_be_joined_is_named(make, what) -> None:
    with pytest.raises(torch.OutOfMemoryError, match=f"can't be joined: {what}"):
        Small(fits=5).run(make, X)


def test_parts_of_unequal_lists_are_not_joined() -> None:
    with pytest.raises(torch.OutOfMemoryError, match="a list of another length for each part"):
        Small(fits=4).run(lambda x: [{"boxes": row} for row in x], X)


@pytest.mark.parametrize("make", [OrderedDict, lambda **items: Output(logits=items["x"])])
def test_inputs_in_any_kind_of_dict_are_split(make) -> None:
    def model(batch):
        (x,) = batch.values()
        if len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        assert type(batch) is type(make(x=X))
        return x * 2

    assert torch.equal(OomSplitter(lambda: None)(model, (make(x=X),), {}), X * 2)


def test_one_row_that_does_not_fit_is_the_users_error() -> None:
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        Small(fits=0).run(lambda x: x, X)
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        Small(fits=0).run(lambda x: x, X[:1])


def test_other_errors_come_through() -> None:
    def broken(x):
        raise KeyError("x")

    with pytest.raises(KeyError):
        Small(fits=20).run(broken, X)


def test_the_failed_calls_tensors_are_gone_before_the_next_try() -> None:
    held = weakref.WeakSet()

    def model(x):
        assert not held
        activation = torch.ones(len(x), 4)
        held.add(activation)
        if len(x) > 5:
            raise torch.OutOfMemoryError
        return x

    OomSplitter(lambda: None)(model, (X,), {})
