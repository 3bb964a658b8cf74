"""Which errors may be a row's, and what is kept of one."""

import errno
from collections.abc import Callable

import pytest
import torch
from botocore.exceptions import EndpointConnectionError

from batchprocess.protocol.errors import InputChanged, OutcomeUnknown
from batchprocess.sdk.report.row_errors import all_alike, bad_read, is_of_row


def chained(error: Exception, cause: Exception, *, named: bool) -> Exception:
    """Raised because of `cause`, which it names or not."""
    error.__context__ = cause
    if named:
        error.__cause__ = cause
    return error


OF_ROWS = [
    ValueError("a"),
    KeyError("a"),
    UnicodeDecodeError("utf-8", b"\xff", 0, 1, "invalid"),
    OSError("cannot identify image file"),
    AssertionError(),
    RuntimeError("shape '[3]' is invalid"),
    chained(ValueError("a"), KeyError("b"), named=False),
]
OF_MACHINES = [
    MemoryError(),
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("CUBLAS_STATUS_EXECUTION_FAILED when calling cublasSgemm"),
    RuntimeError("cuDNN error: CUDNN_STATUS_INTERNAL_ERROR"),
    RuntimeError("NCCL error in: a.cpp"),
    RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried"),
    OSError(errno.EIO, "Input/output error", "a"),
    OSError(errno.ESTALE, "Stale file handle", "a"),
    TimeoutError("late"),
    ConnectionResetError(),
    EndpointConnectionError(endpoint_url="http://s3"),
    InputChanged("input a is gone"),
    OutcomeUnknown("503"),
    KeyboardInterrupt(),
    SystemExit(0),
    chained(ValueError("no image"), OutcomeUnknown("503"), named=True),
    chained(ValueError("no image"), TimeoutError(), named=False),
    chained(ValueError("no image"), MemoryError(), named=False),
]


@pytest.mark.parametrize("error", OF_ROWS, ids=repr)
def test_errors_of_values_may_be_a_rows(error: BaseException) -> None:
    assert is_of_row(error)


@pytest.mark.parametrize("error", OF_MACHINES, ids=repr)
def test_errors_of_machines_are_not_whatever_is_made_of_them(error: BaseException) -> None:
    assert not is_of_row(error)


def failing(row: int) -> None:
    raise ValueError(f"row {row}")


def raised(call: Callable[[], object]) -> Exception:
    try:
        call()
    except Exception as error:
        return error
    raise AssertionError


def test_what_is_kept_says_class_text_and_the_users_own_calls() -> None:
    found = bad_read(raised(lambda: failing(5)), 5, "reading")
    assert (found.row, found.stage, found.kind, found.message) == (
        5, "reading", "ValueError", "row 5"
    )  # fmt: skip
    assert found.traceback.endswith("ValueError: row 5\n")
    assert found.line.startswith(f"{__file__}:")


def test_the_end_of_a_long_traceback_is_kept() -> None:
    found = bad_read(raised(lambda: failing(10**4000)), 5, "reading")
    assert len(found.traceback) == 4001
    assert len(found.message) <= 1003


def test_rows_fail_alike_at_one_line_of_one_class() -> None:
    alike = [bad_read(raised(lambda row=row: failing(row)), row, "reading") for row in range(3)]
    assert all_alike(alike)
    assert not all_alike(alike[:1]), "nobody is beside it"
    other = bad_read(raised(lambda: int("x")), 3, "reading")
    assert not all_alike([*alike, other])
