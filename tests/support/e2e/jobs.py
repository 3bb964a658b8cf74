"""The jobs of the end-to-end tests, each run at most once a session."""

from typing import Any

from support.e2e.world import World

PLAIN = {"processor": "inference:InferenceProcessor", "dataset": "inference:dataset"}
DISTURBED = {"processor": "disturbed:Disturbed", "dataset": "disturbed:dataset"}


def digits(world: World) -> dict[str, Any]:
    """The undisturbed digits job of 12 shards, 3 at a time; its final status."""
    if world.status_or_none("digits") is None:
        world.apply(world.job("digits", shards=12, parallelism=3, **PLAIN))
    return world.wait("digits")


def disturbed(world: World, name: str, **spec: Any) -> dict[str, Any]:
    """A slow digits job, to be applied: 57 batches, as many seconds of work by default."""
    hparams = {"seconds": 1.0} | spec.pop("hparams", {})
    return world.job(name, "disturbed", hparams=hparams, **DISTURBED, **spec)
