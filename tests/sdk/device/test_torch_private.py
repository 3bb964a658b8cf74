"""What we use of torch without a promise is there, and does what we use it for."""

import gc
import os
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.multiprocessing.reductions import reduce_storage

from batchprocess.sdk.device.torch_private import (
    compiler_errors,
    move_own_tensors,
    private_copy,
    release_unsent,
    storage_key,
    version_of,
)

HELD_FOR = {"2.15"}
"""Releases of torch for which somebody has read again what stands in torch_private.py."""


def test_somebody_has_looked_at_this_torch() -> None:
    assert ".".join(torch.__version__.split(".")[:2]) in HELD_FOR


def test_a_version_moves_with_changes_in_place_and_not_with_those_of_numpy() -> None:
    tensor = torch.zeros(4)
    before = version_of(tensor)
    np.add(tensor.numpy(), 1, out=tensor.numpy())
    assert version_of(tensor) == before
    tensor[1:].add_(1)
    assert version_of(tensor) == before + 1


def test_a_private_copy_is_of_memory_that_is_shared_by_a_file() -> None:
    shared = torch.arange(9_000).share_memory_()
    copy = private_copy(shared)
    assert copy is not None
    copy[0] = 5
    shared[1] = 6
    assert (int(shared[0]), int(copy[0])) == (0, 5)
    assert storage_key(copy) != storage_key(shared)
    assert private_copy(torch.arange(9_000)) is None
    assert private_copy(shared[::2]) is None


def test_a_key_is_that_of_the_memory_also_once_it_is_shared() -> None:
    whole, other = torch.zeros(4), torch.zeros(4)
    key = storage_key(whole)
    assert storage_key(whole[1:]) == key != storage_key(other)
    whole.share_memory_()
    assert storage_key(whole[1:]) == key


def test_memory_named_by_a_file_is_let_go(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.multiprocessing, "_sharing_strategy", "file_system")
    before = files()
    storage = torch.ones(100_000).untyped_storage()
    reduce_storage(storage)
    assert len(files() - before) == 1
    release_unsent(storage)
    del storage
    gc.collect()
    assert files() == before


def files() -> set[Path]:
    """Of torch's shared memory, made by this process."""
    return set(Path("/dev/shm").glob(f"torch_{os.getpid()}_*"))


def test_what_the_compiler_raises_has_one_class() -> None:
    assert issubclass(torch._dynamo.exc.BackendCompilerFailed, compiler_errors())
    assert issubclass(compiler_errors(), RuntimeError)


def test_a_modules_own_tensors_are_moved_and_no_others() -> None:
    module = torch.nn.Sequential(torch.nn.Linear(2, 2))
    module.register_buffer("mean", torch.zeros(1))
    move_own_tensors(module, torch.device("meta"))
    assert (module.mean.device.type, module[0].weight.device.type) == ("meta", "cpu")
