"""The parts of the SDK, each by itself."""

import json
import threading
from collections import namedtuple
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from batchprocess import MetricReducer
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import InvalidArgument
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.device.devices import move
from batchprocess.sdk.device.machine import Machine
from batchprocess.sdk.device.prepare_model import Models
from batchprocess.sdk.input.loader import make_loader
from batchprocess.sdk.output.pending import Kept
from batchprocess.sdk.output.upload_files import Staging, check_name
from batchprocess.sdk.reduce.json_codec import from_json, readable, to_json
from batchprocess.sdk.reduce.reducers import FunctionReducer, Registered
from batchprocess.sdk.save.saver import Saver
from batchprocess.sdk.setup.fingerprint import fingerprint, sample
from batchprocess.sdk.setup.placement import find_place
from batchprocess.sdk.setup.settings import merge
from batchprocess.sdk.user.context import TorchBatchProcessorContext

CPU = torch.device("cpu")
JOB = WorkerEnvironment(job="20260101T000000Z-x", job_name="j", run_uri="/r", shards=4, shard=2)
PLAIN = st.none() | st.booleans() | st.integers() | st.text() | st.floats(allow_nan=False)
VALUES = st.recursive(
    PLAIN | st.binary(),
    lambda inner: (
        st.lists(inner)
        | st.lists(inner).map(tuple)
        | st.dictionaries(st.text() | st.integers() | st.tuples(st.integers()), inner)
    ),
    max_leaves=10,
)


@given(VALUES)
def test_a_value_comes_back_equal_and_of_its_type(value):
    back = from_json(to_json(value))
    assert back == value
    assert type(back) is type(value)


@pytest.mark.parametrize("dtype", ["float32", "int64", "bool", "<U3"])
def test_arrays_and_tensors_come_back(dtype):
    array = np.array([[0, 1], [2, 3]]).astype(dtype)
    assert np.array_equal(from_json(to_json(array)), array)
    if dtype != "<U3":
        assert torch.equal(from_json(to_json(torch.from_numpy(array))), torch.from_numpy(array))


@pytest.mark.parametrize("shape", [(), (0,), (2, 3)])
@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float8_e4m3fn, torch.complex64])
def test_tensors_that_numpy_does_not_know_come_back(dtype, shape):
    tensor = torch.arange(6)[: int(np.prod(shape))].reshape(shape).to(dtype)
    back = from_json(json.loads(json.dumps(to_json(tensor.requires_grad_()))))
    assert (back.dtype, back.shape) == (dtype, shape)
    assert back.tolist() == tensor.tolist()


def test_other_types_are_refused_by_name_and_no_object_array_slips_in():
    with pytest.raises(TypeError, match="type set cannot be kept"):
        to_json({1, 2})
    with pytest.raises(TypeError, match="array of objects"):
        to_json(np.array([object()]))
    with pytest.raises(TypeError, match="named fields"):
        to_json(np.zeros(2, dtype=[("a", "i4"), ("b", "f8")]))
    with pytest.raises(TypeError, match="sparse"):
        to_json(torch.eye(2).to_sparse())


def test_results_are_readable_json():
    made = {1: np.float32(0.5), "t": torch.tensor([1, 2]), "n": float("nan")}
    assert readable(made) == {"1": 0.5, "t": [1, 2], "n": "nan"}


def call(job=JOB, **given):
    names = ("batch_size", "max_batches", "checkpoint_interval", "dataloader_kwargs")
    return merge(job, **{name: given.get(name) for name in names})


def test_a_value_given_once_holds_and_given_twice_must_agree():
    job = JOB.model_copy(update={"batch_size": 8})
    assert call(job).batch_size == 8
    assert call(job, batch_size=8).batch_size == 8
    with pytest.raises(InvalidArgument, match="batch_size is 9 in the call.*and 8 in the job"):
        call(job, batch_size=9)
    with pytest.raises(ValueError, match="given twice"):
        call(batch_size=8, dataloader_kwargs={"batch_size": 8})
    assert call(dataloader_kwargs={"batch_size": 3}).batch_size == 3
    assert call(job, dataloader_kwargs={"batch_size": 8}).batch_size == 8
    with pytest.raises(InvalidArgument, match="batch_size is 9 in the call.*and 8 in the job"):
        call(job, dataloader_kwargs={"batch_size": 9})


def test_defaults_are_those_of_the_contract_and_warn():
    with pytest.warns(UserWarning, match="batch_size"):
        settings = call()
    assert (settings.batch_size, settings.checkpoint_interval) == (1, 5)
    with pytest.warns(UserWarning, match="max_batches=0 is ignored"):
        assert call(batch_size=1, max_batches=0).max_batches is None


@pytest.mark.parametrize("given", [{"checkpoint_interval": 0}, {"batch_size": 0}])
def test_impossible_numbers_are_refused(given):
    with pytest.raises(ValueError, match="must be"):
        call(**({"batch_size": 1} | given))


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("shuffle", True),
        ("sampler", []),
        ("batch_sampler", range(3)),
        ("drop_last", True),
        ("in_order", False),
    ],
)
def test_loader_options_that_change_rows_are_refused(name, value):
    options = {name: value}
    with pytest.raises(ValueError, match=name):
        call(batch_size=1, dataloader_kwargs=options)
    assert options == {name: value}


def test_loader_options_that_change_nothing_are_let_through():
    options = {"shuffle": False, "sampler": None, "drop_last": False, "in_order": True}
    settings = call(batch_size=4, dataloader_kwargs=options)
    loader = make_loader(Counting(10), ShardPlan(10, 4, 1), 0, 0, settings.loader)
    assert [len(batch) for batch in loader] == [4, 4, 2]


@pytest.mark.parametrize("options", [{"num_worker": 2}, {"persistent_workers": True}])
def test_loader_options_that_torch_refuses_are_told_as_ours(options):
    with pytest.raises(InvalidArgument, match=f"dataloader_kwargs: .*{next(iter(options))}"):
        make_loader(Counting(10), ShardPlan(10, 4, 1), 0, 0, options)


class Counting(torch.utils.data.Dataset):
    """Remembers which rows were read."""

    def __init__(self, rows):
        self.rows = rows
        self.read = []

    def __len__(self):
        return self.rows

    def __getitem__(self, row):
        self.read.append(row)
        return row


def test_resuming_at_batch_9000_reads_no_earlier_row():
    data = Counting(40_000)
    plan = ShardPlan(40_000, 4, 1)
    first = next(iter(make_loader(data, plan, 0, 9_000, {})))
    assert first.tolist() == [36_000, 36_001, 36_002, 36_003]
    assert min(data.read) == 36_000


def test_the_shards_batches_together_are_the_dataset_in_order():
    plan = ShardPlan(103, 10, 4)
    loaders = [make_loader(Counting(103), plan, shard, 0, {}) for shard in range(4)]
    rows = [row for loader in loaders for batch in loader for row in batch.tolist()]
    assert rows == list(range(103))


@pytest.mark.parametrize(
    "name", ["../x", "a/../b", "a//b", ".", "x" * 256, "a\nb", "/".join("abc" * 200), "\udcff"]
)
def test_names_that_storage_could_not_hold_are_refused(name):
    with pytest.raises(ValueError, match="file name"):
        check_name(name)


def test_a_block_moves_its_files_away_and_the_name_can_be_used_again(tmp_path):
    staging = Staging(tmp_path)
    with staging.block() as path:
        (path / "deep").mkdir()
        (path / "deep" / "with space ü.txt").write_text("one")
    assert not path.exists()
    files = staging.take()
    assert list(files) == ["deep/with space ü.txt"]
    assert files["deep/with space ü.txt"].read_text() == "one"
    with staging.block() as path:
        (path / "deep").mkdir()
        (path / "deep" / "with space ü.txt").write_text("two")
    assert list(staging.take()) == ["deep/with space ü.txt"]


def stage(staging, *names):
    """One block with these files."""
    with staging.block() as path:
        for name in names:
            (path / name).parent.mkdir(parents=True, exist_ok=True)
            (path / name).touch()


def test_the_same_name_twice_in_one_interval_is_an_error(tmp_path):
    staging = Staging(tmp_path)
    stage(staging, "same")
    with pytest.raises(ValueError, match="'same' was written twice"):
        stage(staging, "same")


@pytest.mark.parametrize("names", [("a", "a/b"), ("a/b/c", "a/b")])
def test_a_file_of_one_block_that_is_a_folder_of_another_is_refused(tmp_path, names):
    staging = Staging(tmp_path)
    stage(staging, names[0])
    with pytest.raises(ValueError, match="as a file and as a folder"):
        stage(staging, names[1])


def test_more_files_than_a_commit_holds_are_refused_with_what_to_do(tmp_path):
    with pytest.raises(ValueError, match="10001 files.*write larger files"):
        stage(Staging(tmp_path), *map(str, range(10_001)))


def test_threads_of_user_code_lose_no_file_and_no_metric(tmp_path):
    kept = made_kept(tmp_path)
    made = context(tmp_path, kept)
    updates = made.wrap_reducer(list, name="all")
    boundaries = []

    def work(thread):
        for number in range(50):
            updates.update(number)
            made.report_metrics(f"thread{thread}", number, {"a": 1})
            with made.upload_path() as path:
                (path / f"{thread}-{number}").touch()

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        try:
            boundaries.append(kept.take((0, 1), (0, 1)))
        except RuntimeError:
            continue  # a block was open: what was reported must not be lost by that
    for thread in threads:
        thread.join()
    boundaries.append(kept.take((0, 1), (0, 1)))
    assert sum(len(one.metrics) for one in boundaries) == 400
    assert sum(len(one.reducers[0].entry.value) for one in boundaries) == 400
    assert len({name for one in boundaries for name in one.files}) == 400


def test_an_exception_in_a_block_discards_it(tmp_path):
    staging = Staging(tmp_path)
    block = staging.block()
    (block.__enter__() / "half").touch()
    assert not block.__exit__(KeyError, KeyError("x"), None)
    assert staging.take() == {}
    assert list(tmp_path.rglob("half")) == []


def test_nothing_is_left_of_what_was_committed(tmp_path):
    kept = made_kept(tmp_path)
    made = context(tmp_path, kept)
    for number in range(3):
        with made.upload_path() as path:
            (path / "sub" / "deep").mkdir(parents=True)
            (path / "sub" / f"{number}").touch()
            (path / f"{number}").touch()
        with made.upload_path():
            pass
    made.save("sub/rows.npy", torch.ones(2), ids=["a", "b"])
    made.save("rows.jsonl", torch.ones(2), ids=["a", "b"])
    first = kept.take((0, 1), (0, 1))
    with made.upload_path() as path:
        (path / "0").touch()
    made.save("rows.jsonl", torch.ones(2), ids=["a", "b"])
    second = kept.take((1, 2), (1, 2))
    assert len(first.draft().files) == 9
    first.discard()
    assert [file.name for _, file in sorted(second._paths().items())] == ["0", "rows.jsonl"]
    assert all(file.exists() for file in second._paths().values())
    second.discard()
    assert set(tmp_path.rglob("*")) == {kept.staging.saved.parent, kept.staging.saved}


def test_a_link_is_refused(tmp_path):
    staging = Staging(tmp_path)
    with pytest.raises(ValueError, match="no regular file"), staging.block() as path:
        (path / "link").symlink_to("/etc/hostname")


def test_a_block_open_across_a_boundary_is_an_error(tmp_path):
    staging = Staging(tmp_path)
    with staging.block(), pytest.raises(RuntimeError, match="still open at a checkpoint"):
        staging.take()


def made_kept(tmp_path):
    staging = Staging(tmp_path)
    return Kept(staging, Saver(staging.saved))


def context(tmp_path, kept=None):
    return TorchBatchProcessorContext(
        rank=2,
        size=4,
        machine=Machine(CPU, Models(CPU)),
        hparams={"threshold": 0.5},
        kept=kept or made_kept(tmp_path),
        tensorboard=tmp_path,
    )


def test_a_context_tells_its_place_and_its_hparams(tmp_path):
    made = context(tmp_path)
    assert (made.get_distributed_rank(), made.get_distributed_size()) == (2, 4)
    assert (made.get_hparams(), made.get_tensorboard_path()) == ({"threshold": 0.5}, tmp_path)
    model = made.prepare_model_for_inference(torch.nn.Dropout())
    assert (made.device.type, model.training) == ("cpu", False)


def test_reported_metrics_are_checked_in_the_call(tmp_path):
    kept = made_kept(tmp_path)
    made = context(tmp_path, kept)
    made.report_metrics("g", 1, {"a": 1})
    made.report_metrics("g", 2, {"a": 1})
    for group in ("a.b", "", "a/b", "a\nb", "g" * 300):
        with pytest.raises(ValueError, match=r"metric group|file name"):
            made.report_metrics(group, 1, {"a": 1})
    with pytest.raises(ValueError, match="'a' was reported already"):
        made.report_metrics("g", 1, {"a": 2})
    for value in (object(), float("nan"), "\udcff"):
        with pytest.raises(TypeError, match="metric 'a' of group 'g' is not JSON"):
            made.report_metrics("g", 3, {"a": value})
    with pytest.raises(TypeError, match="steps_completed"):
        made.report_metrics("g", "3", {"a": 1})
    assert [entry.steps_completed for entry in kept.take((0, 1), (0, 1)).metrics] == [1, 2]
    assert kept.take((1, 2), (1, 2)).metrics == ()


def test_reducers_are_wrapped_in_init_only_under_unique_names(tmp_path):
    kept = made_kept(tmp_path)
    made = context(tmp_path, kept)
    made.wrap_reducer(sum, name="total")
    with pytest.raises(ValueError, match="'total' exists already"):
        made.wrap_reducer(max, name="total")
    with pytest.raises(TypeError, match="a MetricReducer or a function, not a list"):
        made.wrap_reducer([1], name="list")
    kept.in_init = False
    with pytest.raises(RuntimeError, match="__init__ only"):
        made.wrap_reducer(max, name="late")


def test_reported_models_are_kept_with_the_next_commit(tmp_path):
    kept = made_kept(tmp_path)
    made = context(tmp_path, kept)
    made.report_task_using_model_version("resnet:3")
    made.report_task_using_checkpoint("s3://models/1")
    assert kept.take((0, 1), (0, 1)).models == (
        {"model_version": "resnet:3"},
        {"checkpoint": "s3://models/1"},
    )


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
    Registered(second, "m", 0).resume(to_json(Registered(first, "m", 0).take()))
    second.update(2.0)
    again = Registered(second, "m", 0)
    assert again.reduce([to_json(again.take())]) == {"m": 1.5}


def test_a_function_gets_one_flat_list_and_a_commit_only_what_is_new():
    one = Registered(FunctionReducer(list), "all", 0)
    for value in (1, 2):
        one.reducer.update(value)
    first = to_json(one.take())
    one.reducer.update(3)
    assert one.reduce([first, to_json(one.take())]) == {"all": [1, 2, 3]}


def test_an_unnamed_reducer_must_return_a_dict():
    assert Registered(FunctionReducer(lambda found: {"n": len(found)}), None, 0).reduce([[1]]) == {
        "n": 1
    }
    with pytest.raises(TypeError, match="must return a dict"):
        Registered(FunctionReducer(sum), None, 0).reduce([[1]])


def test_a_large_value_goes_beside_its_record(tmp_path):
    kept = made_kept(tmp_path)
    made = context(tmp_path, kept).wrap_reducer(list, name="big")
    made.update("x" * 20_000)
    (entry,) = kept.take((0, 1), (0, 1)).reducers
    assert entry.entry.value is None
    assert entry.staged is not None
    assert entry.staged.size > 20_000


Pair = namedtuple("Pair", "a b")


def test_what_has_a_to_of_its_own_is_moved_by_it():
    class Batch(list):
        def to(self, device):
            return f"moved to {device}"

    assert move(Batch([1]), torch.device("cpu"), set()) == "moved to cpu"
    packed = torch.nn.utils.rnn.pack_sequence([torch.ones(2), torch.ones(1)])
    moved = move(packed, torch.device("meta"), set())
    assert (moved.data.device.type, moved.batch_sizes.device.type) == ("meta", "cpu")


def test_to_device_keeps_every_container_and_warns_once(caplog):
    warned = set()
    data = {"t": torch.ones(2), "n": np.ones(2), "p": Pair([torch.ones(1)], ("x", "y"))}
    moved = move(data, torch.device("cpu"), warned)
    assert isinstance(moved["n"], torch.Tensor)
    assert isinstance(moved["p"], Pair)
    assert moved["p"].b == ("x", "y")
    assert len([line for line in caplog.messages if "str" in line]) == 1


def test_fingerprints_see_order_and_own_ones_come_first():
    rows = [torch.tensor([float(n)]) for n in range(50)]
    assert fingerprint(rows, 50) == fingerprint(list(rows), 50)
    assert fingerprint(rows, 50) != fingerprint(rows[::-1], 50)
    assert fingerprint([object()] * 3, 3) is None
    owned = Counting(3)
    owned.fingerprint = lambda: "v7"
    assert fingerprint(owned, 3) == "v7"
    assert sample(1) == [0]
    assert len(sample(1_000)) == 8


def test_a_dataset_that_varies_has_no_fingerprint():
    class Random(Counting):
        def __getitem__(self, row):
            return torch.rand(4)

    assert fingerprint(Random(10), 10) is None


def test_a_row_that_cannot_be_read_is_told_when_its_batch_comes_not_here():
    class Broken(Counting):
        def __getitem__(self, row):
            if row == 9:
                raise ValueError("row 9 is broken")
            return row

    assert fingerprint(Broken(10), 10) is None


class Place:
    """A distributed context."""

    def __init__(self, rank, size):
        self.rank, self.size = rank, size


def test_our_environment_decides_the_shard_and_contradictions_are_named(tmp_path: Path):
    environ = JOB.to_env()
    assert find_place(environ, None, None).shard == 2
    assert find_place(environ, Place(2, 4), None).shard == 2
    with pytest.raises(InvalidArgument, match="2 of 4 by its environment.*0 of 1"):
        find_place(environ, Place(0, 1), None)
    alone = {"BATCHPROCESS_OUTPUT": str(tmp_path)}
    assert find_place(alone, Place(1, 3), Path("x.py")).shard == 1
    launched = find_place({**alone, "RANK": "0", "WORLD_SIZE": "2"}, None, Path("x.py"))
    assert (launched.shard, launched.environment.shards, launched.alone) == (0, 2, True)
