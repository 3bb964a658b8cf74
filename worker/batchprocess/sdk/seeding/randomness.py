"""Which random numbers user code sees: those of its batch, whoever processes it and when."""

import torch

from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.run import Seeds
from batchprocess.sdk.seeding.generators import mixed, set_generators

_BATCH, _CHECKPOINT, _FINISH, _KINDS = 0, 1, 2, 4
_FOR_USERS = 1 << 60


class Randomness:
    """Sets the global generators before each call of user code in the loop.

    Each call has a number of its own in the run, from the run-wide number of its batch, so that
    a resumed shard continues as an uninterrupted one would have. In a run that was begun before
    seeds were kept the generators are left alone. `generators`: those that the call of user code in
    work has asked for, each seeded from its number.
    """

    def __init__(self) -> None:
        self._seeds: Seeds | None = None
        self._begun = False
        self._number: int | None = None
        self.generators: dict[torch.device, torch.Generator] = {}

    def begin(self, seeds: Seeds | None) -> None:
        """The run's seeds are known."""
        self._seeds, self._begun = seeds, True

    def before_batch(self, batch: int) -> None:
        """`batch` is run-wide."""
        self._set(_KINDS * batch + _BATCH)

    def before_checkpoint(self, batches: int) -> None:
        """Of a shard that ends its interval before the run-wide batch `batches`."""
        self._set(_KINDS * batches + _CHECKPOINT)

    def before_finish(self, shard: int) -> None:
        """Of a shard."""
        self._set(_KINDS * shard + _FINISH)

    def seed_of(self, batch: int | None) -> int:
        """Of a batch by its run-wide number, from 0 to 2**53 - 1; RuntimeError without one.

        None: of the call of user code that goes on.
        """
        number = self._number if batch is None else _KINDS * batch + _BATCH
        if not self._begun:
            raise RuntimeError(
                "context.seed is not known in __init__: the run's seed may be drawn after it; ask "
                "in process_batch or a hook"
            )
        if self._seeds is None or number is None:
            raise RuntimeError(
                "context.seed does not exist in this run: it was begun by a version without seeds"
            )
        return mixed(self._seeds.torch ^ _FOR_USERS, number) & MAX_COUNT

    def _set(self, number: int) -> None:
        self.generators.clear()
        if self._seeds is not None:
            self._number = number
            set_generators(self._seeds, number)
