"""What user code may ask for."""

import contextlib
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from batchprocess.sdk.device.devices import move
from batchprocess.sdk.device.machine import Machine
from batchprocess.sdk.device.model_options import ModelOptions
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.reduce.reducers import MetricReducer
from batchprocess.sdk.save.column_types import Column, columns_of
from batchprocess.sdk.seeding.randomness import Randomness
from batchprocess.sdk.user.labels import check_label, label_of
from batchprocess.sdk.user.refusals import refused
from batchprocess.sdk.user.registering import register
from batchprocess.sdk.user.reported_metrics import ReportedMetrics
from batchprocess.sdk.user.row_failures import fail_row, rows_here
from batchprocess.sdk.user.row_ids import RowIds, ids_of
from batchprocess.sdk.user.saving import save_rows

Model = TypeVar("Model", bound=torch.nn.Module)


class TorchBatchProcessorContext:
    """Passed to a processor's `__init__`. Made by `torch_batch_process`, not by users."""

    def __init__(  # noqa: PLR0913  made in one place
        self,
        *,
        rank: int,
        size: int,
        machine: Machine,
        hparams: Mapping[str, Any],
        pending: PendingOutputs,
        randomness: Randomness,
        tensorboard: Path,
        row_ids: RowIds | None = None,
    ) -> None:
        self._rank, self._size = rank, size
        self._machine = machine
        self._hparams = dict(hparams)
        self._tensorboard = tensorboard
        self._warned: set[type] = set()
        self._pending, self._randomness = pending, randomness
        self._reported = ReportedMetrics()
        self._row_ids = row_ids

    @property
    def device(self) -> torch.device:
        """The process's own GPU as `cuda:0`, or `cpu`."""
        return self._machine.device

    @property
    def seed(self) -> int:
        """Of the batch in work, 0 to 2**53 - 1: equal in every attempt, another for every batch.

        For generators and engines that user code has itself: the global generators of torch, numpy
        and `random` are set before every batch anyway. RuntimeError in `__init__`.
        """
        return self._randomness.seed_of(self._pending.batch_number)

    def generator(self, device: torch.device | str = "cpu") -> torch.Generator:
        """A generator of random numbers of the batch in work, seeded from `seed`.

        The same one in each call of a batch, so that it goes on. RuntimeError in `__init__`.
        """
        of_batch, wanted = self._pending.generators, torch.device(device)
        known = self._randomness.generators if of_batch is None else of_batch
        if wanted not in known:
            known[wanted] = torch.Generator(wanted).manual_seed(self.seed)
        return known[wanted]

    @property
    def rows(self) -> list[int]:
        """The dataset's row numbers of the batch in work, in its order; bad ones are not in it.

        RuntimeError outside of `process_batch`, and in threads of your own.
        """
        return list(rows_here(self._pending))

    @property
    def ids(self) -> list[Any]:
        """What the dataset calls these rows: by its `row_ids`, else their numbers.

        RuntimeError as for `rows`.
        """
        return list(ids_of(rows_here(self._pending), self._row_ids))

    def fail(self, position: int, error: Exception | str) -> None:
        """Say that a row of the batch is bad: the one at `position` in it, from 0.

        With `onBadRow: skip` it is kept among the bad rows, and the others go on; it may not be
        saved too. Otherwise raises `error` (of a text a ValueError), which ends the attempt; so
        does one of the machine, a store, memory or the GPU: no row is to blame for those.
        Positions stay as they are. ValueError or TypeError for a position that there is not, and
        for a row that has failed or was saved already; RuntimeError as for `rows`.
        """
        fail_row(self._pending, position, error, self._row_ids)

    def to_device(self, data: Any, warned_types: set[type] | None = None) -> Any:
        """The same on the device: tensors, arrays of numbers, anything with `.to()`.

        Also in lists, tuples, mappings and dataclasses, which keep their types. Other types come
        back as they are, with one warning per type. What came to a GPU is a copy: the data may be
        changed or freed at once.
        """
        warned = self._warned if warned_types is None else warned_types
        return move(data, self._machine.device, warned, self._machine.send)

    def prepare_model_for_inference(
        self,
        model: Model,
        dtype: torch.dtype | None = None,
        compile: bool | str = False,  # noqa: A002  torch.compile is what it means
        channels_last: bool = False,
        split_when_out_of_memory: bool = False,
    ) -> Model:
        """The same model in eval mode and on the device; on request faster. See docs/models.md.

        dtype: weights and floating-point inputs in this type, outputs in the type as before.
        compile: True, or a mode of torch.compile ("reduce-overhead" for CUDA graphs). The batch
        with fewer rows at the end of a dataset is not compiled for.
        channels_last: weights and images in the layout that convolutions of bfloat16 are fast in.
        split_when_out_of_memory: a forward that runs out of GPU memory is repeated with fewer rows
        of the batch at a time, once a few rows have shown that this gives the same. ValueError for
        a model in train mode. Without it the error says which batch size may fit.
        """
        options = ModelOptions(dtype, compile, channels_last, split_when_out_of_memory)
        return self._machine.models.prepare(model, options)

    @contextlib.contextmanager
    def upload_path(self) -> Iterator[Path]:
        """A local directory whose files become part of the next commit.

        Nested directories are kept; an exception inside discards the directory. A second file of
        the same name between two checkpoints, a link, or a name that storage could not hold
        raises ValueError with the name.
        """
        if self._pending.isolating:
            raise refused(RuntimeError("upload_path() is no way out of a row that is tried alone"))
        with self._pending.block() as path:
            yield path

    def save(
        self,
        name: str,
        rows: Column | Mapping[str, Column],
        ids: Column | None = None,
        schema: Any = None,
    ) -> None:
        """Hand results over and go on: copied, encoded and committed behind the loop.

        name: a file of the next commit; its suffix is its format: .parquet (needs pyarrow),
        .safetensors, .npy (one array) or .jsonl. Rows saved under one name until the next
        checkpoint make one file.
        rows: columns by name, of one length n: tensors on any device and arrays of numpy of shape
        (n,) or (n, ...), arrays of Arrow, Series, or lists; a DataFrame or table; or a single
        column, called as the file's stem.
        ids: one integer or string a row, kept as `id`; default: the column `id` of the rows, else
        `ids` of the context, but for failed rows, if there is one row for each; where these are
        texts, with a column `row`.
        schema: types of all or some columns, as `{"score": "float32"}` or a schema of pyarrow;
        default: those of the first batch in the run. All files of one name have the same, but for
        .jsonl, which has none.

        The caller may change or free everything on return. Waits only when 512 MiB are waiting to
        be encoded. What a file cannot hold exactly raises ValueError or TypeError here;
        a failure to write raises in the next call, or ends the attempt at the next checkpoint.
        """
        try:
            save_rows(self._pending, self._row_ids, name, columns_of(name, rows), ids, schema)
        except Exception as error:
            refused(error)
            raise

    def report_metrics(self, group: str, steps_completed: int, metrics: dict[str, Any]) -> None:
        """Keep metrics with the next commit; dropped if this attempt fails before it.

        `group` has no `.` or `/`; `metrics` is a dict of JSON values; keys must not repeat for
        one group and step.
        """
        # Each row that is on trial is a batch of its own, with the number of the batch.
        reported = ReportedMetrics() if self._pending.repeats else self._reported
        try:
            entry = reported.new_entry(group, steps_completed, metrics)
        except (TypeError, ValueError) as error:
            refused(error)
            raise
        self._pending.add_metrics(entry)

    def get_hparams(self) -> dict[str, Any]:
        """The job's `hparams`."""
        return dict(self._hparams)

    def get_tensorboard_path(self) -> Path:
        """A local directory that is copied to the run's `tensorboard/` at every checkpoint."""
        return self._tensorboard

    def get_distributed_rank(self) -> int:
        """Number of this shard, from 0."""
        return self._rank

    def get_distributed_size(self) -> int:
        """Number of shards."""
        return self._size

    def wrap_reducer(
        self,
        reducer: MetricReducer | Callable[[list[Any]], Any],
        name: str | None = None,
        for_training: bool = True,
        for_validation: bool = True,
    ) -> MetricReducer:
        """Register a reducer, in `__init__` only, and return it.

        A function gets one flat list of all updates in dataset order. An unnamed reducer must
        return a dict. For which reducers an interruption changes nothing: see `MetricReducer`.
        `for_training` and `for_validation` are accepted for compatibility; both are inference
        here.
        """
        return register(self._pending, reducer, name)

    def report_task_using_model_version(self, model_version: Any) -> None:
        """Record with the next commit which model version made these outputs.

        Takes a string, or an object with `name` and `version` (or `model_version`).
        """
        self._pending.add_model({"model_version": check_label(label_of(model_version))})

    def report_task_using_checkpoint(self, checkpoint: Any) -> None:
        """Record with the next commit which checkpoint made these outputs (a string or `.uuid`)."""
        self._pending.add_model({"checkpoint": check_label(label_of(checkpoint))})
