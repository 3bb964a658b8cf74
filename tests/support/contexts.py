"""Contexts for user code, and what keeps its outputs, without an attempt around them."""

from pathlib import Path

import torch

from batchprocess.sdk.device.machine import Machine
from batchprocess.sdk.device.prepare_model import ModelPreparer
from batchprocess.sdk.output.pending import PendingOutputs
from batchprocess.sdk.output.upload_files import Staging
from batchprocess.sdk.save.saver import Saver
from batchprocess.sdk.seeding.randomness import Randomness
from batchprocess.sdk.user.context import TorchBatchProcessorContext
from batchprocess.sdk.user.row_ids import RowIds


def made_pending(folder: Path) -> PendingOutputs:
    """Outputs of an attempt that stages its files in `folder`."""
    staging = Staging(folder)
    return PendingOutputs(staging, Saver(staging.saved))


def context(
    folder: Path, pending: PendingOutputs | None = None, row_ids: RowIds | None = None
) -> TorchBatchProcessorContext:
    """The context of shard 2 of 4 on the CPU."""
    cpu = torch.device("cpu")
    return TorchBatchProcessorContext(
        rank=2,
        size=4,
        machine=Machine(cpu, ModelPreparer(cpu)),
        hparams={"threshold": 0.5},
        pending=pending or made_pending(folder),
        randomness=Randomness(),
        tensorboard=folder,
        row_ids=row_ids,
    )
