"""Ids of one file: integers that 64 bits hold, whichever batch brings them, or texts."""

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch

from batchprocess.sdk.save.saver import Saver
from support.saved_files import FORMATS, ids_in

LARGE = 2**64 - 1


def save(folder: Path, suffix: str, batches: list[object]) -> list[object]:
    """Two-column rows under these ids; those that the file has."""
    saver, name = Saver(folder), f"rows.{suffix}"
    for ids in batches:
        saver.save(name, {"rows": torch.ones(len(ids), 2)}, ids)
    found = ids_in(saver.cut_files().files.result()[name])
    saver.close()
    return found


@pytest.mark.parametrize("suffix", FORMATS)
@pytest.mark.parametrize(
    "batches",
    [
        [[5], [LARGE], [0]],
        [[LARGE], [5]],
        [[-1], [2**63 - 1]],
        [[-(2**63)], []],
        [range(2), [LARGE]],
        [range(0), range(7, 1, -2)],
        [range(0), ["a"]],
        [range(-3, 3), range(2**63 - 2, 2**63 - 1)],
        [range(2**63, 2**63 + 2)],
        [range(3, 9, 4)],
        [[np.uint64(LARGE)], (7,)],
        [torch.tensor([1]), [2, 3]],
        [[2, 3], torch.tensor([-1])],
        [torch.tensor([LARGE], dtype=torch.uint64), [2]],
        [[2], torch.tensor([LARGE], dtype=torch.uint64), [LARGE - 1]],
        [[], [LARGE]],
        [["a"], ["b\0c", ""]],
        [np.array(["a", "b"]), np.array(["c"], object)],
        [np.array([LARGE], object), np.array([5], object)],
        [np.array([1, 2]), np.arange(4)[::-2]],
        [("a",), ["b"]],
    ],
    ids=str,
)
def test_ids_come_back_exactly(tmp_path: Path, suffix, batches) -> None:
    given = [ids.tolist() if isinstance(ids, torch.Tensor | np.ndarray) else ids for ids in batches]
    assert save(tmp_path, suffix, batches) == list(chain.from_iterable(given))


@pytest.mark.parametrize(
    "batches",
    [
        [[-1], [LARGE]],
        [[LARGE], [-1]],
        [[LARGE], ["a"]],
        [torch.tensor([5]), [LARGE]],
        [torch.tensor([LARGE], dtype=torch.uint64), [-1]],
        [[LARGE], torch.tensor([5])],
        [[5], torch.tensor([5], dtype=torch.int32)],
    ],
    ids=str,
)
def test_ids_that_no_type_holds_are_refused_in_the_call(tmp_path: Path, batches) -> None:
    with pytest.raises(ValueError, match=r"'rows.parquet' got id .* now and id .* before"):
        save(tmp_path, "parquet", batches)
