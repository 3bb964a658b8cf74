"""Tests that need a CUDA GPU. Elsewhere they are skipped, and CI does not count that as a skip."""

from collections.abc import Iterator
from contextlib import nullcontext
from pathlib import Path

import pytest
import torch

from support.pod_runs import Pod
from support.script_runs import alone, script

__all__ = ["alone", "script"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.gpu)
            if not torch.cuda.is_available():
                item.add_marker(pytest.mark.skip(reason="needs a CUDA GPU"))


@pytest.fixture
def cuda() -> torch.device:
    return torch.device("cuda", 0)


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    # A GPU's driver is not to be forked into being: these are real starts.
    return Pod(tmp_path, nullcontext)


@pytest.fixture
def little_memory(cuda: torch.device) -> Iterator[int]:
    """All but 2 GiB of the GPU are out of reach; the bytes that are left.

    Those are more where tests before have left blocks that are used in part.
    """
    torch.cuda.empty_cache()
    total = torch.cuda.get_device_properties(cuda).total_memory
    used = torch.cuda.memory_reserved(cuda)
    left = 2 << 30
    torch.cuda.set_per_process_memory_fraction((used + left) / total, cuda)
    yield left + used - torch.cuda.memory_allocated(cuda)
    torch.cuda.set_per_process_memory_fraction(1.0, cuda)
