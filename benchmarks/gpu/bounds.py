"""What the machine could do: the model alone, the loader alone, and a loop tuned by hand."""

import queue
import threading
import time
from pathlib import Path
from typing import Any

import torch
from processors import batch_done
from torch.utils.data import DataLoader
from work import Job


def loader(job: Job, dataset: Any, workers: int, *, pin: bool) -> DataLoader[Any]:
    """The loader that every runner but us and Determined makes for itself."""
    return DataLoader(
        dataset,
        batch_size=job.batch_size,
        num_workers=workers,
        pin_memory=pin,
        collate_fn=job.collate,
    )


def to(data: Any, device: torch.device) -> Any:
    """A batch on the device."""
    if isinstance(data, dict):
        return {name: value.to(device, non_blocking=True) for name, value in data.items()}
    return data.to(device, non_blocking=True)


def model_only(job: Job, dataset: Any, device: torch.device, seconds: float) -> dict[str, float]:
    """Rows (or tokens) a second of the model, on batches that are on the device already."""
    model = job.model().eval().to(device)
    source = iter(loader(job, dataset, 0, pin=False))
    few = [to(next(source), device) for _ in range(min(16 if job.collate else 1, len(dataset)))]
    counted = [
        int(batch["attention_mask"].sum()) if isinstance(batch, dict) else len(batch)
        for batch in few
    ]
    with torch.no_grad():
        for batch in few * 3:
            model(batch)
        _sync(device)
        began, done, number = time.perf_counter(), 0, 0
        while time.perf_counter() - began < seconds:
            for _ in range(8):
                model(few[number % len(few)])
                done += counted[number % len(few)]
                number += 1
            _sync(device)
        took = time.perf_counter() - began
    return {"rate": done / took, "batch_ms": took / number * 1e3}


def loader_only(job: Job, dataset: Any, workers: int) -> None:
    """Read everything and do nothing."""
    for _ in loader(job, dataset, workers, pin=False):
        batch_done()


def plain(job: Job, dataset: Any, device: torch.device, workers: int, folder: Path) -> None:
    """The loop that anyone would write: `torch.save` every few batches."""
    model = job.model().eval().to(device)
    kept: list[torch.Tensor] = []
    with torch.no_grad():
        for number, batch in enumerate(loader(job, dataset, workers, pin=device.type == "cuda")):
            kept.append(model(to(batch, device)))
            batch_done()
            if (number + 1) % job.interval == 0:
                torch.save(kept, folder / f"out-{number}")
                kept = []
    if kept:
        torch.save(kept, folder / "out-last")


def tuned(job: Job, dataset: Any, device: torch.device, workers: int, folder: Path) -> None:
    """Pinned batches, one ahead on a side stream, pinned copies back, a writer thread."""
    model = job.model().eval().to(device)
    side, back = torch.cuda.Stream(device), torch.cuda.Stream(device)
    todo: queue.Queue[Any] = queue.Queue(32)

    def write() -> None:
        kept: list[torch.Tensor] = []
        number = 0
        while (item := todo.get()) is not None:
            host, landed, _source = item
            landed.synchronize()
            kept.append(host)
            if len(kept) == job.interval:
                torch.save(kept, folder / f"out-{number}")
                kept, number = [], number + 1
        if kept:
            torch.save(kept, folder / "out-last")

    writer = threading.Thread(target=write)
    writer.start()
    source = iter(loader(job, dataset, workers, pin=True))

    def ahead() -> Any:
        batch = next(source, None)
        if batch is None:
            return None
        with torch.cuda.stream(side):
            return to(batch, device)

    with torch.no_grad():
        upcoming = ahead()
        while upcoming is not None:
            torch.cuda.current_stream(device).wait_stream(side)
            batch = upcoming
            for tensor in batch.values() if isinstance(batch, dict) else [batch]:
                tensor.record_stream(torch.cuda.current_stream(device))
            out = model(batch)
            batch_done()
            upcoming = ahead()
            back.wait_stream(torch.cuda.current_stream(device))
            with torch.cuda.stream(back):
                host = torch.empty(out.shape, dtype=out.dtype, pin_memory=True)
                host.copy_(out, non_blocking=True)
                landed = torch.cuda.Event()
                landed.record(back)
            todo.put((host, landed, out))
    todo.put(None)
    writer.join()


def _sync(device: torch.device) -> None:
    if device.type == "cuda":
        torch.cuda.synchronize(device)
