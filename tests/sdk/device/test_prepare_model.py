"""A prepared model is the same object with, within stated tolerances, the same outputs."""

import copy
import inspect
import warnings
from collections import OrderedDict
from dataclasses import dataclass
from typing import NamedTuple

import pytest
import torch

from batchprocess.sdk.device.model_options import ModelOptions
from batchprocess.sdk.device.prepare_model import ModelPreparer
from batchprocess.sdk.device.tensor_trees import cast

CPU = torch.device("cpu")
ROWS = 4
TOLERANCES = {torch.bfloat16: 2e-2, torch.float16: 5e-3, torch.float64: 1e-5}


class Net(torch.nn.Module):
    """An image model with several outputs."""

    def __init__(self) -> None:
        super().__init__()
        self.conv = torch.nn.Conv2d(3, 8, 3)
        self.norm = torch.nn.BatchNorm2d(8)
        self.head = torch.nn.Linear(8, 5)
        self.calls = 0

    def forward(self, image: torch.Tensor, *, scale: float = 1.0) -> dict[str, torch.Tensor]:
        """Docs of the model."""
        seen = self.norm(self.conv(image)).relu().mean((2, 3))
        return {"logits": self.head(seen) * scale, "best": self.head(seen).argmax(1)}


def image(rows: int = ROWS) -> torch.Tensor:
    return torch.rand(rows, 3, 8, 8, generator=torch.Generator().manual_seed(rows))


def prepared(net: Net, **options) -> Net:
    return ModelPreparer(CPU).prepare(net, ModelOptions(**options))


@pytest.fixture
def net() -> Net:
    torch.manual_seed(0)
    return Net()


def error(found: torch.Tensor, right: torch.Tensor) -> float:
    """Relative, over all values."""
    return float((found - right).detach().norm() / right.detach().norm())


def test_without_options_nothing_but_eval_mode_changes_on_the_cpu(net: Net) -> None:
    assert prepared(net) is net
    assert not net.training
    assert "forward" not in vars(net)


@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("channels_last", [False, True])
def test_outputs_keep_their_types_and_stay_within_tolerance(net, dtype, channels_last) -> None:
    right = copy.deepcopy(net).eval()(image())
    made = prepared(net, dtype=dtype, channels_last=channels_last)
    assert made is net
    assert isinstance(net, Net)
    assert net.head.weight.dtype is dtype
    found = net(image(), scale=1.0)
    assert (found["logits"].dtype, found["best"].dtype) == (torch.float32, torch.int64)
    assert error(found["logits"], right["logits"]) < TOLERANCES[dtype]


def test_the_signature_and_the_docs_are_still_there(net: Net) -> None:
    before = inspect.signature(net.forward)
    prepared(net, dtype=torch.bfloat16)
    assert inspect.signature(net.forward) == before
    assert net.forward.__doc__ == "Docs of the model."


def test_hooks_still_run(net: Net) -> None:
    prepared(net, channels_last=True)
    seen = []
    net.register_forward_hook(lambda *_: seen.append(1))
    net(image())
    assert seen == [1]


def test_a_copy_uses_its_own_weights(net: Net) -> None:
    prepared(net, channels_last=True)
    twin = copy.deepcopy(net)
    torch.nn.init.zeros_(twin.head.weight)
    torch.nn.init.zeros_(twin.head.bias)
    assert twin(image())["logits"].abs().sum() == 0
    assert net(image())["logits"].abs().sum() > 0


def test_a_forward_of_the_objects_own_is_kept(net: Net) -> None:
    net.forward = lambda x: x + 1
    prepared(net, channels_last=True)
    assert torch.equal(net(torch.zeros(1)), torch.ones(1))


@pytest.fixture
def small(net: Net, monkeypatch) -> Net:
    """Runs out of memory at more than two rows."""
    before = Net.forward

    def forward(self, image, *, scale=1.0):
        if len(image) > 2:
            raise torch.OutOfMemoryError("no memory")
        return before(self, image, scale=scale)

    monkeypatch.setattr(Net, "forward", forward)
    return net


def test_a_forward_out_of_memory_is_split_if_that_was_asked_for(small: Net) -> None:
    freed = []
    models = ModelPreparer(CPU, rows=lambda: ROWS, free=lambda: freed.append(1))
    models.prepare(small, ModelOptions(split_when_out_of_memory=True))
    found = small(image(), scale=1.0)
    parts = [small(part) for part in image().split(2)]
    for name in ("logits", "best"):
        torch.testing.assert_close(found[name], torch.cat([part[name] for part in parts]))
    assert freed


def test_a_forward_out_of_memory_says_what_to_do_unless_splitting_was_asked_for(small) -> None:
    ModelPreparer(CPU, rows=lambda: ROWS).prepare(small, ModelOptions(channels_last=True))
    with pytest.raises(
        torch.OutOfMemoryError,
        match="a batch of 4 rows does not fit.* or split_when_out_of_memory=True .*no memory",
    ):
        small(image())


def test_a_model_that_stays_in_train_mode_is_not_split(net: Net) -> None:
    net.norm.eval = lambda: net.norm
    net.norm.train = lambda mode=True: net.norm
    with pytest.raises(ValueError, match="for this model: BatchNorm2d 'norm' is in train mode"):
        prepared(net, split_when_out_of_memory=True)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"dtype": torch.int8}, "dtype must be a floating-point type, not torch.int8"),
        ({"compile": "fast"}, "compile must be True, False or one of.*'fast'"),
    ],
)
def test_wrong_options_are_named(options, match) -> None:
    with pytest.raises(ValueError, match=match):
        ModelOptions(**options)


def test_a_scripted_model_is_left_alone_and_not_compiled() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # scripting is deprecated, under changing categories
        scripted = torch.jit.script(torch.nn.Linear(2, 2))
    ModelPreparer(CPU).prepare(scripted, ModelOptions(dtype=torch.float64))
    assert scripted(torch.ones(1, 2, dtype=torch.float64)).dtype is torch.float64
    for options in ({"compile": True}, {"split_when_out_of_memory": True}):
        with pytest.raises(ValueError, match="scripted model"):
            ModelPreparer(CPU).prepare(scripted, ModelOptions(**options))


@pytest.mark.slow
def test_a_compiled_model_agrees_and_a_short_batch_is_not_compiled_for(net: Net) -> None:
    right = {rows: copy.deepcopy(net).eval()(image(rows)) for rows in (ROWS, 2)}
    short = []
    ModelPreparer(CPU, is_short=lambda: bool(short)).prepare(net, ModelOptions(compile=True))
    with torch.no_grad():
        full = [net(image()) for _ in range(2)]
        compiled = torch._dynamo.utils.counters["frames"]["ok"]
        short.append(1)
        last = net(image(2))
    assert torch._dynamo.utils.counters["frames"]["ok"] == compiled > 0
    for found in full:
        torch.testing.assert_close(found["logits"], right[ROWS]["logits"])
    assert torch.equal(last["logits"], right[2]["logits"])


def test_a_model_that_cannot_be_compiled_runs_as_it_is(net: Net, monkeypatch, caplog) -> None:
    def broken(run, mode):
        def call(*given):
            raise torch._dynamo.exc.BackendCompilerFailed(
                lambda: None, RuntimeError("no g++"), None
            )

        return call

    monkeypatch.setattr(torch, "compile", broken)
    prepared(net, compile=True)
    assert net(image())["logits"].shape == (ROWS, 5)
    assert net(image())["logits"].shape == (ROWS, 5)
    assert len([line for line in caplog.messages if "runs as it is" in line]) == 1


class Named(NamedTuple):
    x: torch.Tensor
    y: str


@dataclass
class Plain:
    x: torch.Tensor
    y: str


@dataclass
class Output(OrderedDict):
    x: torch.Tensor | None = None

    def __post_init__(self):
        self["x"] = self.x


ONE = torch.ones(1)


@pytest.mark.parametrize(
    "value",
    [
        ONE,
        [ONE, (ONE, "x")],
        {"a": ONE, 1: None},
        OrderedDict(a=ONE),
        Named(ONE, "y"),
        Plain(ONE, "y"),
        Output(ONE),
        {"n": torch.arange(2), "o": object},
    ],
    ids=repr,
)
def test_casting_changes_floats_and_keeps_containers(value) -> None:
    made = cast(value, torch.float64)
    assert type(made) is type(value)
    assert repr(made).replace(", dtype=torch.float64", "") == repr(value)
    assert repr(cast(made, torch.float32, only=torch.float64)) == repr(value)
    assert repr(cast(value, torch.float64, only=torch.float16)) == repr(value)
