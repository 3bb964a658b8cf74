"""Prepared models on a GPU: within tolerance of eager float32, and unbreakable by batch size."""

import copy
import gc
import re
from pathlib import Path

import pytest
import torch
from torch.utils.data import TensorDataset

from batchprocess import TorchBatchProcessor
from batchprocess.sdk.device.model_options import ModelOptions
from batchprocess.sdk.device.prepare_model import ModelPreparer
from support.script_runs import Alone

ROWS = 32
TOLERANCE = {None: 1e-3, torch.float16: 5e-3, torch.bfloat16: 3e-2}
"""Relative error over all outputs, against eager float32 without TF32. None: float32, compiled."""


def network() -> torch.nn.Module:
    torch.manual_seed(0)
    layers: list[torch.nn.Module] = []
    for before, after in ((3, 32), (32, 64), (64, 128)):
        layers += [torch.nn.Conv2d(before, after, 3, stride=2), torch.nn.BatchNorm2d(after)]
        layers += [torch.nn.ReLU()]
    head = [torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten(), torch.nn.Linear(128, 64)]
    return torch.nn.Sequential(*layers, *head).eval()


def images(rows: int = ROWS) -> torch.Tensor:
    return torch.rand(rows, 3, 64, 64, generator=torch.Generator().manual_seed(rows))


def error(found: torch.Tensor, right: torch.Tensor) -> float:
    return float((found.float() - right).norm() / right.norm())


# torch's compiler warns of itself; as an error, that would end the compiling.
@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("dtype", TOLERANCE)
@pytest.mark.parametrize("mode", [False, "default", "reduce-overhead"])
def test_outputs_are_within_tolerance_and_stay_as_they_were(cuda, dtype, mode, caplog) -> None:
    net = network()
    right = [copy.deepcopy(net).to(cuda)(images(n).to(cuda)).detach() for n in (ROWS, ROWS, 5)]
    short = []
    models = ModelPreparer(cuda, is_short=lambda: bool(short))
    models.prepare(net, ModelOptions(dtype, mode, channels_last=True))
    kept = []
    with torch.no_grad():
        for rows in (ROWS, ROWS, 5):
            if rows < ROWS:
                short.append(1)
            kept.append(net(images(rows).to(cuda)))
    for found, expected in zip(kept, right, strict=True):
        assert found.dtype is torch.float32
        assert error(found, expected) < TOLERANCE[dtype]
    # A model that can't be compiled runs as it is, and would pass.
    assert not [line for line in caplog.messages if "could not be compiled" in line]


class Hungry(torch.nn.Module):
    """Needs 64 MiB a row."""

    def __init__(self) -> None:
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(1))

    def forward(self, x: torch.Tensor) -> dict[str, torch.Tensor]:
        big = x.reshape(-1, 1) * torch.ones(16 << 20, device=x.device)
        return {"twice": x * 2 * self.weight, "ones": big[:, :3]}


def test_out_of_memory_splits_the_forward_and_never_repeats_process_batch(
    alone: Alone, little_memory: int, caplog
) -> None:
    seen, found = [], []

    class Splitting(TorchBatchProcessor):
        def __init__(self, context):
            self.context = context
            self.model = context.prepare_model_for_inference(
                Hungry(), split_when_out_of_memory=True
            )

        def process_batch(self, batch, batch_idx):
            seen.append(batch_idx)
            with torch.no_grad():
                made = self.model(self.context.to_device(batch[0]))
            found.append(made["twice"].cpu())

    alone.run(Splitting, TensorDataset(torch.arange(200.0)), batch_size=50)
    assert seen == [0, 1, 2, 3]
    assert torch.equal(torch.cat(found), torch.arange(200.0) * 2)
    assert len([line for line in caplog.messages if "does not hold" in line]) == 1


def test_the_error_says_which_batch_size_fits(
    alone: Alone, little_memory: int, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Whole(TorchBatchProcessor):
        def __init__(self, context):
            self.context = context
            self.model = context.prepare_model_for_inference(Hungry())

        def process_batch(self, batch, batch_idx):
            with torch.no_grad():
                self.model(self.context.to_device(batch[0]))

    data = TensorDataset(torch.arange(200.0))
    with pytest.raises(torch.OutOfMemoryError, match="a batch of 50 rows does not fit") as raised:
        alone.run(Whole, data, batch_size=50)
    most = int(re.search(r"batch_size=(\d+) is the most", str(raised.value))[1])
    # 2 GiB at 64 MiB a row are 32; what the allocator keeps back may cost some.
    assert 24 <= most <= little_memory // (64 << 20)
    del raised
    gc.collect()
    torch.cuda.empty_cache()
    # Another run: the one that failed goes on with its own batch size only.
    monkeypatch.setenv("BATCHPROCESS_OUTPUT", str(tmp_path / "fitting"))
    alone.run(Whole, data, batch_size=most - 4)


def test_hugging_face_outputs_are_joined(little_memory: int, cuda) -> None:
    transformers = pytest.importorskip("transformers")
    config = transformers.BertConfig(
        hidden_size=64, num_hidden_layers=2, num_attention_heads=2, intermediate_size=128
    )
    net = transformers.BertModel(config).eval()
    before = transformers.BertModel.forward
    tokens = torch.randint(0, 1000, (8, 16), generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        right = copy.deepcopy(net).to(cuda)(tokens.to(cuda))

        def small(self, *args, **kwargs):
            if len(kwargs["input_ids"]) > 3:
                raise torch.OutOfMemoryError
            return before(self, *args, **kwargs)

        net.forward = small.__get__(net)
        options = ModelOptions(torch.bfloat16, split_when_out_of_memory=True)
        ModelPreparer(cuda, rows=lambda: 8).prepare(net, options)
        found = net(input_ids=tokens.to(cuda), attention_mask=torch.ones_like(tokens).to(cuda))
    assert type(found) is type(right)
    assert found.last_hidden_state.dtype is torch.float32
    assert error(found.last_hidden_state, right.last_hidden_state) < TOLERANCE[torch.bfloat16]
