"""What torch's errors say is what the torch that is installed does say."""

import os
import signal
from http.client import IncompleteRead

import pytest
import torch
from torch.utils.data import DataLoader

from batchprocess.sdk.report.error_report import Where
from batchprocess.sdk.report.torch_errors import (
    bytes_asked_for,
    is_machine_failure,
    loader_process_message,
)

HELD_FOR = {"2.15"}
"""Releases of torch for which somebody has read again what stands in torch_errors.py."""


class Rows:
    """Eight rows; `read` is called with the number of each."""

    def __init__(self, read):
        self.read = read

    def __len__(self):
        return 8

    def __getitem__(self, row):
        self.read(row)
        return row


def broken(row):
    raise ValueError(f"row {row}\nis broken")


def killed(row):
    os.kill(os.getpid(), signal.SIGKILL)


def exited(row):
    os._exit(1)


def raised(read):
    with pytest.raises((ValueError, RuntimeError)) as caught:
        list(DataLoader(Rows(read), num_workers=1))
    return caught.value


def test_the_torch_that_is_installed_is_one_that_this_was_tried_with():
    assert ".".join(torch.__version__.split(".")[:2]) in HELD_FOR


@pytest.mark.slow
def test_an_error_of_a_loader_process_ends_in_the_users_words():
    error = raised(broken)
    lines = [line.strip() for line in str(error).splitlines()]
    assert loader_process_message(lines) == "is broken"
    assert Where(0, "reading a batch").sentence(error) == (
        "reading a batch raised ValueError: is broken (in a loader process) (shard 0)"
    )
    assert not is_machine_failure(error)


@pytest.mark.slow
@pytest.mark.parametrize("read", [killed, exited])
def test_a_loader_process_that_dies_is_a_failure_of_the_machine(read):
    assert is_machine_failure(raised(read))


def test_an_error_of_the_accelerator_is_a_failure_of_the_machine():
    assert is_machine_failure(torch.AcceleratorError("CUDA error: an illegal memory access"))
    assert is_machine_failure(RuntimeError("CUDA error: device-side assert triggered"))
    assert not is_machine_failure(ValueError("CUDA error is what my data says"))


def test_words_of_the_user_are_no_message_of_a_loader_process():
    assert loader_process_message(["Caught a fish"]) is None
    assert loader_process_message(["Caught a fish", "and another"]) is None


@pytest.mark.parametrize(
    ("text", "asked"),
    [
        ("CUDA out of memory. Tried to allocate 20.00 MiB. GPU 0 has a total", 20 << 20),
        ("CUDA out of memory. Tried to allocate 1.50 GiB.", 3 << 29),
        ("CUDA out of memory. Tried to allocate 512 bytes.", 512),
        ("out of memory", 0),
    ],
)
def test_what_memory_did_not_give_is_read_from_the_text(text, asked):
    assert bytes_asked_for(torch.OutOfMemoryError(text)) == asked


def test_what_is_raised_from_a_failure_of_the_machine_is_one_and_what_handles_one_is_not():
    def raised_from(behind, *, said):
        made = KeyError("label")
        made.__cause__, made.__context__ = behind if said else None, behind
        return made

    causes = (MemoryError(), OSError(5, "Input/output error"), IncompleteRead(b""))
    for behind in causes:
        assert is_machine_failure(raised_from(behind, said=True))
        assert not is_machine_failure(raised_from(behind, said=False))
    assert not is_machine_failure(raised_from(OSError("nothing is said"), said=True))
    handled = KeyError("a fallback that fails")
    handled.__context__ = FileNotFoundError(2, "No such file", "/no/cache/yet")
    assert not is_machine_failure(handled)
