"""A model that does not fit runs in parts, and its output is that of the whole batch."""

import weakref
from collections import OrderedDict, namedtuple
from dataclasses import dataclass

import pytest
import torch

from batchprocess.sdk.device.out_of_memory.splitter import OomSplitter
from support.forwards import forward

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

    def __init__(self, fits: int, rows: int | None = ROWS) -> None:
        self.fits, self.ran, self.freed, self.rows = fits, [], 0, rows
        self.splitter = OomSplitter(self.free, lambda: self.rows)

    def free(self) -> None:
        self.freed += 1

    def run(self, make, *args, **kwargs):
        def limited(x, **named):
            self.ran.append(len(x))
            if len(x) > self.fits:
                raise torch.OutOfMemoryError("CUDA out of memory")
            return make(x, **named)

        return self.splitter(forward(limited, make, *args, **kwargs))


def splitter() -> OomSplitter:
    return OomSplitter(lambda: None, lambda: ROWS)


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
@pytest.mark.parametrize("fits", [2, 3, 5, 9])
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
    small.rows = 4
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


def test_what_cannot_be_joined_later_is_named() -> None:
    def trimmed(x):
        return x[:, : 1 if x[0, 0] == 6 else 2]

    with pytest.raises(
        torch.OutOfMemoryError, match=r"can't be joined: a tensor of shape \(3, 1\).* beside"
    ):
        Small(fits=3).run(trimmed, X)


def test_what_the_proof_refuses_is_said_with_the_models_own_error() -> None:
    small = Small(fits=5)
    for _ in range(2):
        with pytest.raises(
            torch.OutOfMemoryError,
            match="a batch of 10 rows does not fit.*can't be split: the outputs for 4 rows are "
            "others.* CUDA out of memory",
        ):
            small.run(lambda x: {"x": x, "mean": x - x.mean(0)}, X)
    assert small.ran == [10, 10]


def test_each_way_of_calling_the_model_is_proven_for_itself() -> None:
    small = Small(fits=5)
    classes = torch.eye(ROWS)[:, :2]
    assert torch.equal(small.run(lambda x: x, X), X)
    whole = small.run(lambda x, classes: x @ classes.T, X[:, :1].expand(ROWS, 2), classes=X[:3])
    assert whole.shape == (ROWS, 3)
    small.fits = 20
    right = (X @ classes.T).max(1).values
    found = small.run(lambda x, classes: (x @ classes.T).max(1).values, X, classes=classes)
    assert torch.equal(found, right)
    assert small.ran[-1] == ROWS


def test_a_call_that_fits_is_not_tried_on_what_it_keeps() -> None:
    small = Small(fits=5)
    small.run(lambda x: x, X)
    small.fits = 20
    cache: list[torch.Tensor] = []

    def append(x, cache):
        cache.append(x)
        return x

    for _ in range(2):
        small.run(append, X, cache=cache)
    assert [len(one) for one in cache] == [ROWS, ROWS]


def test_a_proof_holds_for_calls_with_the_same_settings_only() -> None:
    small = Small(fits=5)

    def centred(x, centre):
        return x - x.mean(0) if centre else x

    assert torch.equal(small.run(centred, X, centre=False), X)
    small.fits = 20
    assert torch.equal(small.run(centred, X, centre=True), X - X.mean(0))
    small.fits = 5
    with pytest.raises(torch.OutOfMemoryError, match="are others in parts"):
        small.run(centred, X, centre=True)


def test_a_proof_with_an_object_holds_for_its_call_only() -> None:
    class Options:
        centre = False

    small, options = Small(fits=5), Options()

    def centred(x, options):
        return x - x.mean(0) if options.centre else x

    for _ in range(2):
        assert torch.equal(small.run(centred, X, options=options), X)
    options.centre = True
    with pytest.raises(torch.OutOfMemoryError, match="are others in parts"):
        small.run(centred, X, options=options)


@pytest.mark.parametrize("rows", [None, 20])
def test_only_rows_of_the_batch_in_work_are_split(rows) -> None:
    with pytest.raises(torch.OutOfMemoryError) as raised:
        Small(fits=5, rows=rows).run(lambda x: x, X)
    assert ("no tensor that the model was given" in str(raised.value)) == (rows == 20)


@pytest.mark.parametrize("make", [OrderedDict, lambda **items: Output(logits=items["x"])])
def test_inputs_in_any_kind_of_dict_are_split(make) -> None:
    def model(batch):
        (x,) = batch.values()
        if len(x) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        assert type(batch) is type(make(x=X))
        return x * 2

    assert torch.equal(splitter()(forward(model, None, make(x=X))), X * 2)


def test_one_row_that_does_not_fit_is_the_users_error() -> None:
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        Small(fits=0).run(lambda x: x, X)
    with pytest.raises(torch.OutOfMemoryError, match="CUDA out of memory"):
        Small(fits=0, rows=1).run(lambda x: x, X[:1])


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

    splitter()(forward(model, lambda x: x, X))
