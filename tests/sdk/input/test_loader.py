"""A loader takes the options that leave a shard's rows what they are, and names the others."""

import inspect
import multiprocessing

import pytest
from torch.utils.data import DataLoader

from batchprocess.protocol.errors import InvalidArgument
from batchprocess.sdk.input.loader import check_options, context_of
from batchprocess.sdk.input.shard_loader import ShardLoader
from support.counting_dataset import Counting


@pytest.mark.parametrize("options", [{"prefetch_factor": 2}, {"persistent_workers": True}])
def test_loader_options_that_torch_refuses_are_told_as_ours(options):
    with pytest.raises(InvalidArgument, match=f"dataloader_kwargs: .*{next(iter(options))}"):
        ShardLoader(Counting(10), options)


def test_every_option_of_torch_is_allowed_or_refused_with_a_reason():
    known = set(inspect.signature(DataLoader).parameters) - {"dataset"}
    for name in known:
        check_options({name: None})
    with pytest.raises(InvalidArgument) as refused:
        check_options({"num_worker": 2})
    sentence = "dataloader_kwargs has no 'num_worker': what may be given is batch_size, collate_fn"
    assert str(refused.value).startswith(sentence)
    named = set(str(refused.value).partition("given is ")[2].split(", "))
    assert named == known - {"shuffle", "sampler", "batch_sampler", "drop_last", "in_order"}


@pytest.mark.parametrize("name", ["dataset", "numWorkers", 3])
def test_what_is_no_option_of_a_loader_is_refused(name):
    with pytest.raises(InvalidArgument, match=f"has no {name!r}"):
        check_options({name: None})


@pytest.mark.parametrize(
    ("chosen", "given", "counts"),
    [
        (None, None, None),
        ("fork", None, None),
        ("spawn", None, "spawn"),
        ("spawn", "fork", "fork"),
        (None, "forkserver", "forkserver"),
    ],
)
def test_workers_are_started_as_somebody_has_asked_for(monkeypatch, chosen, given, counts):
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: chosen)
    assert context_of({"multiprocessing_context": given}) == counts


def test_the_platforms_own_way_is_nobodys_wish(monkeypatch):
    """Some library has only asked which it is."""
    monkeypatch.setattr(multiprocessing, "get_all_start_methods", lambda: ["spawn", "fork"])
    monkeypatch.setattr(multiprocessing, "get_start_method", lambda allow_none: "spawn")
    assert context_of({}) is None


def test_a_time_limit_without_loader_processes_is_refused_in_a_sentence():
    with pytest.raises(InvalidArgument, match="timeout=5 without num_workers: leave it out"):
        check_options({"timeout": 5})
    check_options({"timeout": 5, "num_workers": 1})
    check_options({"timeout": 0})
