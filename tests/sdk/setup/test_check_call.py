"""What was mixed up in the call of `torch_batch_process` is named in one sentence."""

import functools

import pytest
from torch.utils.data import DataLoader, IterableDataset, TensorDataset

from batchprocess import TorchBatchProcessor
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument, WrongType
from batchprocess.sdk.input.loader import rows_of
from batchprocess.sdk.setup.check_call import check_arguments
from batchprocess.sdk.setup.settings import merge

ROWS = list(range(8))


class Sound(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context

    def process_batch(self, batch, batch_idx):
        pass


class NoBatch(TorchBatchProcessor):
    def __init__(self, context):
        pass


class Empty(TorchBatchProcessor):
    pass


class Short(Sound):
    def process_batch(self, batch):
        pass


class Renamed(Sound):
    def __init__(self, ctx):
        pass


class Hook(Sound):
    def on_checkpoint_start(self, batch_idx):
        pass


class Rows(IterableDataset):
    def __iter__(self):
        return iter(ROWS)


def load():
    return ROWS


LACKS = "lacks process_batch(self, batch, batch_idx): define it there"
BOTH = "the processor Empty lacks __init__(self, context) and process_batch(self, batch, batch_idx)"
CALLS = {
    "a missing method": (NoBatch, ROWS, f"the processor NoBatch {LACKS}"),
    "both missing": (Empty, ROWS, BOTH),
    "a method without batch_idx": (
        Short,
        ROWS,
        "Short.process_batch(self, batch) cannot be called",
    ),
    "a hook with more": (Hook, ROWS, "define it as on_checkpoint_start(self)"),
    "no argument called context": (Renamed, ROWS, "define it as __init__(self, context)"),
    "swapped": (
        ROWS,
        Sound,
        "torch_batch_process got an object of list first and the processor Sound second: give the "
        "processor's class first, then the dataset",
    ),
    "an object": (Sound(None), ROWS, "is an object of Sound: give the class itself, Sound"),
    "another class": (dict, ROWS, "the class dict is no subclass of TorchBatchProcessor, which"),
    "a function": (load, ROWS, "the function load is no subclass of TorchBatchProcessor"),
    "a dataset's class": (Sound, TensorDataset, "the dataset is the class TensorDataset itself"),
    "a dataset's function": (Sound, load, "is the function load itself: call it, and give what"),
    "a loader": (Sound, DataLoader(ROWS), "the dataset is a DataLoader: give the dataset that it"),
}


@pytest.mark.parametrize("kind", CALLS)
def test_what_was_mixed_up_is_named_with_what_is_right(kind: str) -> None:
    processor, dataset, sentence = CALLS[kind]
    with pytest.raises(InvalidArgument) as refused:
        check_arguments(processor, dataset)
    assert sentence in str(refused.value)
    assert len(str(refused.value).splitlines()) == 1


def test_a_dataset_without_row_numbers_is_an_argument_that_can_never_work() -> None:
    with pytest.raises(WrongType, match="Rows cannot be read row by row: .* __getitem__"):
        rows_of(Rows())
    assert issubclass(WrongType, InvalidArgument)
    assert issubclass(WrongType, TypeError)


def test_a_decorator_may_take_what_it_likes() -> None:
    def timed(method):
        @functools.wraps(method)
        def call(*arguments):
            return method(*arguments, 0)

        return call

    class Decorated(Sound):
        @timed
        def process_batch(self, batch, batch_idx, began):
            pass

    class Static(Sound):
        process_batch = staticmethod(print)

    for processor in (Sound, Decorated, Static):
        check_arguments(processor, ROWS)


@pytest.mark.parametrize("name", ["batch_size", "max_batches", "checkpoint_interval"])
@pytest.mark.parametrize("given", ["8", 8.0, True])
def test_a_number_of_another_kind_is_named(name: str, given: object) -> None:
    wanted = {"batch_size": 1, "max_batches": None, "checkpoint_interval": None} | {name: given}
    job = WorkerEnvironment(job="j", job_name="j", run_uri="/x", shards=1)
    with pytest.raises(InvalidArgument, match=f"{name} must be an integer, not {given!r}"):
        merge(job, dataloader_kwargs=None, **wanted)


def test_loader_options_that_are_no_dict_are_named() -> None:
    job = WorkerEnvironment(job="j", job_name="j", run_uri="/x", shards=1)
    wanted = {"batch_size": 1, "max_batches": None, "checkpoint_interval": None}
    with pytest.raises(InvalidArgument, match="dataloader_kwargs must be a dict .*, not a int"):
        merge(job, dataloader_kwargs=4, **wanted)
