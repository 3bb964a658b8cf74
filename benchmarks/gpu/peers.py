"""Others doing the same job: Determined (its public package), Lightning, Accelerate."""

import types
from pathlib import Path
from typing import Any

import torch
from bounds import loader
from processors import batch_done, unchanged
from work import Job


def accelerate(job: Job, dataset: Any, workers: int, folder: Path, *, keep: bool = True) -> None:
    """A prepared loop with `torch.save` every few batches."""
    from accelerate import Accelerator

    accelerator = Accelerator()
    model, source = accelerator.prepare(job.model().eval(), loader(job, dataset, workers, pin=True))
    kept: list[torch.Tensor] = []
    with torch.no_grad():
        for number, batch in enumerate(source):
            out = model(batch)
            batch_done()
            if not keep:
                continue
            kept.append(out)
            if (number + 1) % job.interval == 0:
                torch.save(kept, folder / f"out-{number}")
                kept = []
    if kept:
        torch.save(kept, folder / "out-last")
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def lightning(job: Job, dataset: Any, workers: int, folder: Path) -> None:
    """`Trainer.predict` with a `BasePredictionWriter`."""
    import pytorch_lightning as pl
    from pytorch_lightning.callbacks import BasePredictionWriter

    class Module(pl.LightningModule):
        def __init__(self) -> None:
            super().__init__()
            self.model = job.model()

        def predict_step(self, batch: Any, batch_idx: int) -> Any:
            out = self.model(batch)
            batch_done()
            return out

    class Writer(BasePredictionWriter):
        def __init__(self) -> None:
            super().__init__(write_interval="batch")
            self.kept: list[torch.Tensor] = []

        def write_on_batch_end(
            self, trainer: Any, module: Any, prediction: Any, *rest: Any
        ) -> None:
            self.kept.append(prediction)
            if len(self.kept) == job.interval:
                self.write(rest[2])

        def write(self, number: Any) -> None:
            torch.save(self.kept, folder / f"out-{number}")
            self.kept = []

    writer = Writer()
    trainer = pl.Trainer(
        accelerator="auto",
        devices=1,
        logger=False,
        callbacks=[writer],
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.predict(Module(), loader(job, dataset, workers, pin=True), return_predictions=False)
    if writer.kept:
        writer.write("last")


def determined(job: Job, dataset: Any, workers: int, folder: Path) -> None:
    """`torch_batch_process` of determined 0.38.1, told that it is on a cluster of one slot."""
    import determined as det
    from determined import core
    from determined.pytorch import experimental
    from determined.pytorch.experimental import _torch_batch_process as module

    off_cluster = det.get_cluster_info
    info = types.SimpleNamespace(
        slot_ids=[0],
        container_addrs=["127.0.0.1"],
        latest_checkpoint=None,
        trial=types.SimpleNamespace(
            _config={"checkpoint_storage": {"type": "shared_fs"}}, hparams={}
        ),
    )

    def context(_distributed: Any) -> Any:
        det.get_cluster_info = off_cluster
        try:
            return core.init(checkpoint_storage=str(folder))
        finally:
            det.get_cluster_info = lambda: info

    module._initialize_default_inference_context = context
    options: dict[str, Any] = {"num_workers": workers, "pin_memory": torch.cuda.is_available()}
    if job.collate is not None:
        options["collate_fn"] = job.collate
    experimental.torch_batch_process(
        unchanged(experimental.TorchBatchProcessor, job),
        dataset,
        batch_size=job.batch_size,
        checkpoint_interval=job.interval,
        dataloader_kwargs=options,
    )
