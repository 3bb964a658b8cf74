"""The user's dataset: how it is cut, and how a run knows it again."""

import sys
import warnings
from typing import Any

import torch

from batchprocess.protocol.run import LAYOUT, REFUSED_BY_OLDER, Asked, ListedRows, RunInfo
from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.setup.code_digest import code_digest, main_folder
from batchprocess.sdk.setup.fingerprint import Fingerprint
from batchprocess.sdk.setup.settings import Settings
from batchprocess.version import __version__


def plan_shards(rows: int, settings: Settings, shards: int) -> ShardPlan:
    """How so many rows are cut."""
    plan = ShardPlan(rows, settings.batch_size, shards, settings.max_batches)
    if settings.max_batches is not None and settings.max_batches > plan.first_batch(1):
        warnings.warn(
            f"max_batches={settings.max_batches} is ignored: the longest shard has "
            f"{plan.first_batch(1)} batches",
            stacklevel=2,
        )
        plan = ShardPlan(rows, settings.batch_size, plan.shards)
    return plan


def describe_run(
    plan: ShardPlan,
    fingerprint: Fingerprint,
    processor: Any,
    asked: Asked,
    source: str | None,
    listed: ListedRows | None = None,
) -> RunInfo:
    """run.json as this attempt would write it, but for the seeds."""
    return RunInfo(
        rows=plan.rows,
        batch_size=plan.batch_size,
        batches=plan.batches,
        shards=plan.shards,
        max_batches=plan.max_batches,
        processor=getattr(processor, "__qualname__", repr(processor)),
        fingerprint=fingerprint.value,
        fingerprint_of=fingerprint.of,
        rows_digest=fingerprint.rows_digest,
        asked=asked,
        code=code_digest(sys.modules, main_folder()),
        source=source,
        layout=LAYOUT,
        listed=listed,
        versions={
            "batchprocess": __version__,
            "torch": str(torch.__version__),
            **REFUSED_BY_OLDER,
        },
    )
