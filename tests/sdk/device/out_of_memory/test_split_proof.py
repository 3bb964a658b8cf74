"""What would give other results in parts is found on a few rows, and named."""

import pytest
import torch

from batchprocess.sdk.device.out_of_memory.split_proof import (
    Forward,
    state_by_design,
    why_not_in_parts,
)
from batchprocess.sdk.report.loop_times import Times

ROWS = 64
X = torch.rand(ROWS, 8, generator=torch.Generator().manual_seed(0))


def why_not(call, *args, model=None, **kwargs):
    model = torch.nn.Module().eval() if model is None else model
    return why_not_in_parts(Forward(model, call, call, args, kwargs), ROWS, lambda: None)


class Cached(torch.nn.Module):
    """Keeps something of each call."""

    def __init__(self, keep) -> None:
        super().__init__()
        self.register_buffer("seen", torch.zeros(8))
        self.inner = torch.nn.Linear(8, 8)
        self.calls, self.past, self.mask = 0, [], None
        self.times = Times()
        self.keep = keep

    def forward(self, x):
        self.keep(self, x)
        return self.inner(x)


def counts(model, x):
    model.calls += 1


def appends(model, x):
    model.past.append(x)


def writes(model, x):
    model.seen += x.sum(0)


def replaces(model, x):
    model.seen = torch.cat([model.seen, x[0]])


def only_once(model, x):
    model.mask = torch.ones(8) if model.mask is None else model.mask


def reports(model, x):
    """To the context, which others change as well; no part of the model."""
    model.times.work += 1


KEEPERS = {
    reports: None,
    counts: "calls",
    appends: "past",
    writes: "seen",
    replaces: "seen",
    only_once: None,
}


@pytest.mark.parametrize("keep", KEEPERS, ids=lambda keep: keep.__name__)
@pytest.mark.parametrize("inference", [False, True])
def test_what_a_model_keeps_between_calls_is_named(keep, inference) -> None:
    with torch.inference_mode(inference):
        model = Cached(keep).eval()
        found = why_not(model.forward, X.clone(), model=model)
    name = KEEPERS[keep]
    assert found == (None if name is None else f"a forward changes Cached.{name}")


def test_a_cache_that_is_handed_over_is_state_too() -> None:
    class Cache:
        keys = None

    cache = Cache()

    def forward(x, cache):
        cache.keys = x if cache.keys is None else torch.cat([cache.keys, x])
        return x

    assert why_not(forward, X, cache=cache) == "a forward changes its arguments.1.cache.keys"


@pytest.mark.parametrize("inference", [False, True])
def test_inputs_that_are_changed_in_place_are_found(inference) -> None:
    with torch.inference_mode(inference):
        x = X.clone()
        assert why_not(lambda x: x.mul_(0.5) * 2, x) is not None
        assert torch.equal(x, X)


def test_an_input_that_is_written_to_is_named() -> None:
    assert why_not(lambda x: x.mul_(1) * 2, X) == "a forward changes its arguments.0.0"


def attention(x):
    """Of a sequence that stands first: each row looks at all others."""
    return torch.nn.functional.scaled_dot_product_attention(x, x, x)


OTHERS = {
    "classes of as many rows": (lambda x, y: (x @ y.T).max(1), (X, X)),
    "a sequence first": (attention, (X,)),
    "the length": (lambda x: {"n": len(x), "x": x}, (X,)),
    "a list of results": (lambda x: [{"row": row[None]} for row in x], (X,)),
    "random numbers": (lambda x: x + torch.rand(8), (X,)),
}


@pytest.mark.parametrize("what", OTHERS)
def test_outputs_that_would_be_others_in_parts_are_refused(what) -> None:
    call, args = OTHERS[what]
    assert "are others in parts" in why_not(call, *args) or "can't be joined" in why_not(
        call, *args
    )


def test_pairs_that_match_by_chance_do_not_pass_for_rows_of_one_argument() -> None:
    # Image and text belong together: the largest product of a row is its own, whole and in parts.
    own = torch.eye(ROWS)
    assert "are others" in why_not(lambda x, y: (x @ y.T).max(1).values, own, own)


@pytest.mark.parametrize(
    ("call", "what"),
    [
        (lambda x: x.sum(), r"a tensor of shape () for 1 rows"),
        (lambda x: x.t(), r"a tensor of shape (8, 1) for 1 rows"),
        (lambda x: {"cache": object()}, "a object among them"),
        (lambda x: (x, len(x), float(x.sum())), "a int among them"),
        (lambda x: {"x": x, "label": ["cat"] * len(x)}, "a list of another length for each part"),
    ],
)
def test_what_cannot_be_joined_is_named(call, what) -> None:
    assert why_not(call, X) == f"the outputs for parts can't be joined: {what}"


def test_rows_that_are_all_alike_prove_nothing() -> None:
    assert "are all alike" in why_not(lambda x: x - x.mean(0), torch.ones(ROWS, 2))


def test_what_raises_on_a_few_rows_is_told() -> None:
    def call(x):
        raise KeyError(len(x))

    assert why_not(call, X) == "a few rows alone raise KeyError: 4"


@pytest.mark.parametrize(("fits", "proven"), [(4, True), (2, True), (1, False)])
def test_fewer_rows_are_tried_where_memory_is_short_for_these_too(fits, proven) -> None:
    def call(x):
        if len(x) > fits:
            raise torch.OutOfMemoryError
        return x

    assert (why_not(call, X) is None) == proven


@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16, torch.float64])
def test_a_model_whose_rows_are_independent_is_proven(dtype) -> None:
    torch.manual_seed(0)
    model = torch.nn.TransformerEncoderLayer(8, 2, 16, batch_first=True, dtype=dtype).eval()
    x = torch.rand(ROWS, 5, 8, dtype=dtype)
    mask = torch.zeros(ROWS, 5, dtype=torch.bool)
    with torch.no_grad():
        assert why_not(model.forward, x, model=model, src_key_padding_mask=mask) is None
    assert why_not(lambda x: x / 0 * x, torch.zeros(ROWS, 2) + torch.arange(2.0)) is not None


def test_train_mode_and_hooks_of_parts_are_state_by_design() -> None:
    model = torch.nn.Sequential(torch.nn.Linear(8, 8), torch.nn.BatchNorm1d(8)).eval()
    assert state_by_design(model) is None
    model[0].register_forward_hook(lambda *_: None)
    assert state_by_design(model) == (
        "Linear '0' has a forward hook, which would be called for every part"
    )
    model[1].train()
    model[0]._forward_hooks.clear()
    assert state_by_design(model) == "BatchNorm1d '1' is in train mode"
