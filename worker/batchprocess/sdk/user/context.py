"""What user code may ask for."""

import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import torch

from batchprocess.protocol.file_names import check_name
from batchprocess.protocol.records import MetricEntry
from batchprocess.sdk.device.devices import move
from batchprocess.sdk.device.machine import Machine
from batchprocess.sdk.device.model_options import ModelOptions
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.reduce.reducers import FunctionReducer, MetricReducer
from batchprocess.sdk.reduce.registered import RegisteredReducer
from batchprocess.sdk.save.column_types import Column, columns_of

Model = TypeVar("Model", bound=torch.nn.Module)


class TorchBatchProcessorContext:
    """Passed to a processor's `__init__`. Made by `torch_batch_process`, not by users."""

    def __init__(
        self,
        *,
        rank: int,
        size: int,
        machine: Machine,
        hparams: Mapping[str, Any],
        pending: PendingOutputs,
        tensorboard: Path,
    ) -> None:
        self._rank, self._size = rank, size
        self._machine = machine
        self._hparams = dict(hparams)
        self._tensorboard = tensorboard
        self._warned: set[type] = set()
        self._pending = pending
        self._reported: dict[tuple[str, int], set[str]] = {}

    @property
    def device(self) -> torch.device:
        """The process's own GPU as `cuda:0`, or `cpu`."""
        return self._machine.device

    def to_device(self, data: Any, warned_types: set[type] | None = None) -> Any:
        """Tensors, numpy arrays and anything with `.to()`, also nested in lists, tuples, dicts,

        on the device. Other types come back as they are, with one warning per type. What
        came to a GPU is a copy: the data may be changed or freed at once.
        """
        warned = self._warned if warned_types is None else warned_types
        return move(data, self._machine.device, warned, self._machine.send)

    def prepare_model_for_inference(
        self,
        model: Model,
        dtype: torch.dtype | None = None,
        compile: bool | str = False,  # noqa: A002  torch.compile is what it means
        channels_last: bool = False,
    ) -> Model:
        """The same model in eval mode and on the device; on request faster. See docs/models.md.

        dtype: weights and floating-point inputs in this type, outputs in the type as before.
        compile: True, or a mode of torch.compile ("reduce-overhead" for CUDA graphs). The batch
        with fewer rows at the end of a dataset is not compiled for.
        channels_last: weights and images in the layout that convolutions of bfloat16 are fast in.

        On a GPU, a forward that runs out of memory is repeated with fewer rows at a time.
        """
        return self._machine.models.prepare(model, ModelOptions(dtype, compile, channels_last))

    @contextlib.contextmanager
    def upload_path(self) -> Iterator[Path]:
        """A local directory whose files become part of the next commit.

        Nested directories are kept; an exception inside discards the directory. A second file of
        the same name between two checkpoints, a link, or a name that storage could not hold
        raises ValueError with the name.
        """
        with self._pending.staging.block() as path:
            yield path

    def save(
        self, name: str, rows: Column | Mapping[str, Column], ids: Column | None = None
    ) -> None:
        """Hand results over and go on: copied, encoded and committed behind the loop.

        name: a file of the next commit; its suffix is its format: .parquet (needs pyarrow),
        .safetensors, .npy (one array) or .jsonl. Rows saved under one name until the next
        checkpoint make one file.
        rows: columns by name: tensors on any device, numpy arrays, or lists with one value a row,
        all of one length; or a single column, called as the file's stem.
        ids: one integer or string a row, kept as `id`; default: the dataset's row numbers, if
        there is one row for each of the batch.

        The caller may change or free everything on return. Waits only when 512 MiB are waiting to
        be encoded. What is wrong with names, shapes or types raises ValueError or TypeError here;
        a failure to write raises in the next call, or ends the attempt at the next checkpoint.
        """
        columns = columns_of(name, rows)
        self._pending.saver.save(
            name, columns, self._row_ids(name, columns) if ids is None else ids
        )

    def _row_ids(self, name: str, columns: Mapping[str, Column]) -> range:
        rows = self._pending.rows_here
        length = len(next(iter(columns.values()), ()))
        if rows is None or length != rows[1] - rows[0]:
            batch = (
                "there is no batch here" if rows is None else f"the batch has {rows[1] - rows[0]}"
            )
            raise ValueError(
                f"{name!r} got {length} rows and no ids, but {batch}: give ids= (a list or tuple "
                "has one item a row)"
            )
        return range(*rows)

    def report_metrics(self, group: str, steps_completed: int, metrics: dict[str, Any]) -> None:
        """Keep metrics with the next commit; dropped if this attempt fails before it.

        `group` has no `.` or `/`; `metrics` is a dict of JSON values; keys must not repeat for
        one group and step.
        """
        kept = _checked_metrics(group, steps_completed, metrics)
        seen = self._reported.setdefault((group, steps_completed), set())
        if repeated := seen & metrics.keys():
            raise ValueError(
                f"metric {min(repeated)!r} was reported already for group {group!r}, step "
                f"{steps_completed}"
            )
        seen.update(metrics)
        self._pending.add_metrics(
            MetricEntry(group=group, steps_completed=steps_completed, metrics=kept)
        )

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
        if not self._pending.in_init:
            raise RuntimeError("wrap_reducer may be called in __init__ only")
        if name is not None and any(one.name == name for one in self._pending.reducers):
            raise ValueError(f"a reducer named {name!r} exists already: names must be unique")
        if not (isinstance(reducer, MetricReducer) or callable(reducer)):
            kind = type(reducer).__qualname__
            raise TypeError(f"wrap_reducer takes a MetricReducer or a function, not a {kind}")
        made = reducer if isinstance(reducer, MetricReducer) else FunctionReducer(reducer)
        made.reset()
        self._pending.reducers.append(RegisteredReducer(made, name, len(self._pending.reducers)))
        return made

    def report_task_using_model_version(self, model_version: Any) -> None:
        """Record with the next commit which model version made these outputs.

        Takes a string, or an object with `name` and `version` (or `model_version`).
        """
        self._pending.add_model({"model_version": _label(model_version)})

    def report_task_using_checkpoint(self, checkpoint: Any) -> None:
        """Record with the next commit which checkpoint made these outputs (a string or `.uuid`)."""
        self._pending.add_model({"checkpoint": _label(checkpoint)})


def _checked_metrics(group: str, steps_completed: int, metrics: dict[str, Any]) -> dict[str, Any]:
    """A copy of `metrics` that later changes by user code do not reach."""
    if not isinstance(group, str) or not group or any(character in group for character in "./\\"):
        raise ValueError(f"metric group {group!r} must be a name without '.' and '/'")
    # The group names a file of the run.
    check_name(f"{group}.jsonl")
    if isinstance(steps_completed, bool) or not isinstance(steps_completed, int):
        raise TypeError(f"steps_completed must be an int, not {steps_completed!r}")
    if not isinstance(metrics, dict) or not all(isinstance(key, str) for key in metrics):
        raise TypeError(f"metrics must be a dict with string keys, not {metrics!r:.100}")
    return {key: _checked_metric(group, key, value) for key, value in metrics.items()}


def _checked_metric(group: str, key: str, value: Any) -> Any:
    try:
        text = json.dumps({key: value}, allow_nan=False, ensure_ascii=False)
        text.encode()
    except (TypeError, ValueError) as error:
        raise TypeError(
            f"metric {key!r} of group {group!r} is not JSON ({error}): give numbers, texts, or "
            "lists and dicts of them; .item() makes one of a tensor"
        ) from None
    return json.loads(text)[key]


def _label(thing: Any) -> str:
    if isinstance(thing, str):
        return thing
    name = getattr(thing, "name", None)
    version = getattr(thing, "version", getattr(thing, "model_version", None))
    if name is not None or version is not None:
        return ":".join(str(part) for part in (name, version) if part is not None)
    return str(getattr(thing, "uuid", thing))
