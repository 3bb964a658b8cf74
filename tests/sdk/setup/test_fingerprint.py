"""A fingerprint tells datasets apart, or says nothing."""

import torch

from batchprocess.sdk.setup.fingerprint import fingerprint, sample
from support.counting_dataset import Counting


def test_fingerprints_see_order_and_own_ones_come_first():
    rows = [torch.tensor([float(n)]) for n in range(50)]
    assert fingerprint(rows, 50) == fingerprint(list(rows), 50)
    assert fingerprint(rows, 50) != fingerprint(rows[::-1], 50)
    assert fingerprint([object()] * 3, 3) is None
    owned = Counting(3)
    owned.fingerprint = lambda: "v7"
    assert fingerprint(owned, 3) == "v7"
    assert sample(1) == [0]
    assert len(sample(1_000)) == 8


def test_a_dataset_that_varies_has_no_fingerprint():
    class Random(Counting):
        def __getitem__(self, row):
            return torch.rand(4)

    assert fingerprint(Random(10), 10) is None


def test_a_row_that_cannot_be_read_is_told_when_its_batch_comes_not_here():
    class Broken(Counting):
        def __getitem__(self, row):
            if row == 9:
                raise ValueError("row 9 is broken")
            return row

    assert fingerprint(Broken(10), 10) is None
