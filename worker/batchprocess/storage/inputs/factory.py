"""From the first part of an address to the place that it names."""

from pathlib import Path

from batchprocess.protocol.environment import S3Settings
from batchprocess.storage.inputs.base import InputPlace
from batchprocess.storage.inputs.local import LocalInputs


def open_inputs(root: str, s3: S3Settings) -> InputPlace:
    """`s3://bucket`, or a folder's path. boto3 is imported for the first only; nothing is asked."""
    if not root.startswith("s3://"):
        return LocalInputs(Path(root))
    from batchprocess.storage.inputs.s3 import S3Inputs

    return S3Inputs(root.removeprefix("s3://"), s3)
