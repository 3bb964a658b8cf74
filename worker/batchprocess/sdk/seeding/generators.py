"""The global random generators of a process, set from a seed and a number.

Each library's stream depends on that library's seed alone: whoever seeds only one of them gets the
same numbers from that one in every run.
"""

import random

import numpy as np
import torch

from batchprocess.protocol.json_values import MAX_COUNT
from batchprocess.protocol.run import Seeds

LOADER, LOOP = 0, 1
"""The streams that one given seed stands for."""
_WORD = (1 << 64) - 1
_LOW = (1 << 32) - 1


def set_generators(seeds: Seeds, number: int, *, may_use_gpu: bool = False) -> None:
    """Set torch's (CPU and every GPU in use), numpy's and Python's own, in about 8 us.

    may_use_gpu: nobody may have used the GPU in this process yet, and somebody may now. Told, for
    a process that was forked should not ask the driver. Then torch keeps a traceback with each
    seed, which takes 30 us more.

    `torch.manual_seed` does the same for torch, and takes ten times as long: it asks for every
    kind of accelerator there is.
    """
    word = mixed(seeds.torch, number)
    torch.default_generator.manual_seed(word)
    if torch.cuda.is_initialized():  # type: ignore[no-untyped-call]
        for generator in torch.cuda.default_generators:
            generator.manual_seed(word)
    elif may_use_gpu:
        # Nobody has used it in this process yet (a loader's?): torch keeps the seed till then.
        torch.cuda.manual_seed_all(word)
    # A list of 64 bits is numpy's slow way: five times as long.
    np.random.seed(mixed(seeds.numpy, number) & _LOW)
    random.seed(mixed(seeds.random, number))


def mixed(seed: int, number: int) -> int:
    """64 bits that look random, other ones for every number (splitmix64's finisher)."""
    word = (seed + (number + 1) * 0x9E3779B97F4A7C15) & _WORD
    word = (word ^ (word >> 30)) * 0xBF58476D1CE4E5B9 & _WORD
    word = (word ^ (word >> 27)) * 0x94D049BB133111EB & _WORD
    return word ^ (word >> 31)


def derived(seed: int, stream: int) -> Seeds:
    """The seeds of a stream, from the one seed that a job gave."""
    torchs, numpys, randoms = (mixed(seed, 3 * stream + n) & MAX_COUNT for n in range(3))
    return Seeds(torch=torchs, numpy=numpys, random=randoms)


def drawn() -> Seeds:
    """Seeds that depend on the generators' states alone, which are left as they were."""
    with Preserved():
        return Seeds(
            torch=int(torch.randint(MAX_COUNT, ())),
            numpy=int(np.random.randint(MAX_COUNT)),
            random=random.randrange(MAX_COUNT),  # noqa: S311
        )


class Preserved:
    """Within it the CPU's global generators may be used; afterwards they stand as before."""

    def __enter__(self) -> None:
        self._torch = torch.get_rng_state()
        self._numpy = np.random.get_state(legacy=False)
        self._random = random.getstate()

    def __exit__(self, *_: object) -> None:
        torch.set_rng_state(self._torch)
        np.random.set_state(self._numpy)
        random.setstate(self._random)
