"""A job as `batchprocess run` gets it: a command and two shards, and what a test adds."""

from typing import Any

from batchprocess.api.job import BatchProcessJob


def job(**spec: Any) -> BatchProcessJob:
    return BatchProcessJob.model_validate(
        {
            "apiVersion": "batchprocess.dev/v1alpha1",
            "kind": "BatchProcessJob",
            "metadata": {"name": "job"},
            "spec": {"command": ["python", "x.py"], "shards": 2, **spec},
        }
    )
