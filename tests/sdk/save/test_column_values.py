"""Columns as the formats want them."""

import torch

from batchprocess.sdk.save.column_values import numpy_of


def test_every_bfloat16_becomes_the_float32_that_it_is() -> None:
    halves = torch.arange(-(1 << 15), 1 << 15).to(torch.int16).view(torch.bfloat16)
    found = torch.from_numpy(numpy_of(halves.reshape(256, 256)))
    assert torch.equal(found.view(torch.int32), halves.reshape(256, 256).float().view(torch.int32))
