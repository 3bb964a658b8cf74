"""What one attempt works with: its device, its temporary files, and what it keeps."""

import shutil
import tempfile
from contextlib import ExitStack
from functools import cached_property
from pathlib import Path

import torch

from batchprocess.runs.scratch_folder import scratch
from batchprocess.sdk.attempt.gpu import Gpu
from batchprocess.sdk.attempt.interfaces import Device, NoDevice
from batchprocess.sdk.device.compile_cache import CompileCache
from batchprocess.sdk.device.compile_key import made_for
from batchprocess.sdk.device.devices import pick_device
from batchprocess.sdk.device.machine import Machine
from batchprocess.sdk.device.out_of_memory.fitting import CudaMemory
from batchprocess.sdk.device.prepare_model import ModelPreparer
from batchprocess.sdk.input.prefetch import Prefetch
from batchprocess.sdk.output.concurrent.concurrent_outputs import ConcurrentOutputs
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.output.upload_files import Staging
from batchprocess.sdk.save.aside.aside_saver import AsideSaver
from batchprocess.sdk.save.saver import Saver
from batchprocess.sdk.save.table_schemas import TableSchemas
from batchprocess.sdk.seeding.randomness import Randomness
from batchprocess.sdk.setup.deferred_calls import is_concurrent
from batchprocess.sdk.setup.placement import Placement
from batchprocess.sdk.setup.settings import Settings
from batchprocess.sdk.user.context import TorchBatchProcessorContext
from batchprocess.sdk.user.processor import TorchBatchProcessor
from batchprocess.sdk.user.row_ids import RowIds
from batchprocess.storage.base import Storage


class AttemptResources:
    """What it has is made when first asked for: the loader's workers must be forked before there is
    a CUDA context."""

    def __init__(
        self,
        processor_class: type[TorchBatchProcessor],
        settings: Settings,
        placement: Placement,
        storage: Storage,
    ) -> None:
        self._processor_class, self._settings = processor_class, settings
        self._placement, self._storage = placement, storage
        self.concurrent = is_concurrent(processor_class)
        self._temporary = ExitStack()
        folder = placement.scratch
        if folder is None:
            folder = self._temporary.enter_context(scratch()).folder
        self._staging = Staging(folder)
        self.randomness, self.schemas = Randomness(), TableSchemas()
        self.tensorboard = Path(tempfile.mkdtemp(prefix="batchprocess-tensorboard-", dir=folder))

    def remove_temporary_files(self) -> None:
        """Remove the temporary files."""
        self._staging.remove_all()
        shutil.rmtree(self.tensorboard, ignore_errors=True)
        self._temporary.close()

    def context(self, rank: int, row_ids: RowIds | None) -> TorchBatchProcessorContext:
        """For the user's processor."""
        return TorchBatchProcessorContext(
            rank=rank,
            size=self._placement.environment.shards,
            machine=self._machine,
            hparams=self._placement.environment.hparams,
            pending=self.pending,
            randomness=self.randomness,
            tensorboard=self.tensorboard,
            row_ids=row_ids,
        )

    def prefetch(self) -> Prefetch | None:
        """Sends batches to the GPU ahead; None without one, and where batches run side by side."""
        return None if self._gpu is None or self.concurrent else self._gpu.prefetch

    @property
    def in_flight(self) -> Device:
        """What the loop waits for before it cuts."""
        return NoDevice() if self._gpu is None or self.concurrent else self._gpu.in_flight

    @cached_property
    def pending(self) -> PendingOutputs:
        """What the processor keeps between commits."""
        fetch = None if self._gpu is None else self._gpu.device_to_host.fetch
        if not self.concurrent:
            saver = Saver(self._staging.saved, fetch, schemas=self.schemas)
            return PendingOutputs(self._staging, saver)
        aside = AsideSaver(self._staging.saved, fetch, schemas=self.schemas)
        return ConcurrentOutputs(self._staging, aside, aside=aside)

    @cached_property
    def compile_cache(self) -> CompileCache | None:
        """Compiled code, kept with the run; None if the job does not want it."""
        if not self._placement.environment.compile_cache:
            return None
        return CompileCache(
            self._storage, lambda: made_for(self._machine.device, self._processor_class)
        )

    @cached_property
    def _gpu(self) -> Gpu | None:
        device = pick_device(self._placement.gpu)
        pin = self._settings.loader.get("pin_memory")
        if device.type != "cuda":
            return None
        return Gpu(device, ahead=pin is not False, everything=pin is True)

    @cached_property
    def _machine(self) -> Machine:
        gpu = self._gpu
        device = torch.device("cpu") if gpu is None else gpu.device
        models = ModelPreparer(
            device,
            is_short=lambda: self.pending.is_short(self._settings.batch_size),
            rows=lambda: self.pending.rows_in_work,
            free=(lambda: None) if gpu is None else gpu.release_memory,
            memory=None if gpu is None else CudaMemory(gpu.device),
            compile_cache=self.compile_cache,
        )
        return Machine(device, models, None if gpu is None else gpu.to_device)
