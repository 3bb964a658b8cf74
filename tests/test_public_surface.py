"""The public names are one list; changing it is a decision, not an accident."""

import subprocess
import sys

import batchprocess

PUBLIC = [
    "MetricReducer",
    "TorchBatchProcessor",
    "TorchBatchProcessorContext",
    "results",
    "torch_batch_process",
    "try_out",
]


def test_the_public_names_are_these() -> None:
    assert sorted(batchprocess.__all__) == PUBLIC
    assert set(PUBLIC) <= set(dir(batchprocess))


def test_every_public_name_resolves_to_something_documented() -> None:
    assert all(getattr(batchprocess, name).__doc__ for name in PUBLIC)


def test_importing_the_package_loads_neither_torch_nor_boto3() -> None:
    code = (
        "import sys, batchprocess; print(sorted({'torch', 'boto3', 'pydantic'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
