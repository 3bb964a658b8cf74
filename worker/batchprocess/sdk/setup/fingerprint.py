"""Telling a changed dataset from the one that the run began with (docs/protocol.md, "run.json")."""

import hashlib
import inspect
import json
import logging
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

from batchprocess.protocol.rows.sample import sample
from batchprocess.protocol.run import FingerprintOf, Seeds
from batchprocess.sdk.seeding.generators import Preserved, set_generators

_LOG = logging.getLogger("batchprocess")
_SEEDS = Seeds(torch=0, numpy=0, random=0)


@dataclass(frozen=True)
class Fingerprint:
    """What is known of a dataset's contents.

    `of` says where `value` comes from. `rows_digest` goes with a value that may differ for equal
    data, as Hugging Face's does from one machine to the next.
    """

    value: str | None = None
    of: FingerprintOf | None = None
    rows_digest: str | None = None


def fingerprint(dataset: Any, rows: int, left_out: Collection[int] = ()) -> Fingerprint:
    """The dataset's own, else a Hugging Face dataset's, else a digest of eight rows.

    Empty if rows vary from one reading to the next, are of unknown types, or cannot be read, and
    where one of the eight is `left_out`, which may be the death of whoever reads it. It runs code
    of the dataset.
    """
    own = _own(dataset)
    if own is not None:
        return Fingerprint(own, "attribute")
    numbers = sample(rows)
    digest = None if set(numbers) & set(left_out) else _rows_digest(dataset, numbers)
    theirs = getattr(dataset, "_fingerprint", None)
    if isinstance(theirs, str):
        return Fingerprint(theirs, "huggingface", digest)
    return Fingerprint() if digest is None else Fingerprint(digest, "rows")


def _own(dataset: Any) -> str | None:
    """Its `fingerprint`: a text, or a method without arguments; anything else means another thing.

    What a method returns is taken as text, so that a version's number will do.
    """
    found = getattr(dataset, "fingerprint", None)
    if isinstance(found, str):
        return found
    if not callable(found) or not _takes_nothing(found):
        return None
    given = found()
    return None if given is None else str(given)


def _takes_nothing(function: Any) -> bool:
    try:
        inspect.signature(function).bind()
    except (TypeError, ValueError):
        return False
    return True


def _rows_digest(dataset: Any, numbers: list[int]) -> str | None:
    first = _digest(dataset, numbers)
    if first is None or first == _digest(dataset, numbers):
        return first
    # Random numbers, most likely. Those of the global generators are set anew before every batch.
    if _at_fixed_seeds(dataset, numbers[0]) != _at_fixed_seeds(dataset, numbers[0]):
        _LOG.warning(
            "row %d of the dataset is another one each time it is read, with the same random "
            "numbers too: if that comes from what the dataset keeps (an iterator, a counter, a "
            "generator of its own), its rows are not those of a plain loop, nor equal after a "
            "restart; a row may depend on its number only, and on torch.initial_seed()",
            numbers[0],
        )
    return None


def _at_fixed_seeds(dataset: Any, row: int) -> str | None:
    with Preserved():
        set_generators(_SEEDS, row)  # those of GPUs in use too
        return _digest(dataset, [row])


def _digest(dataset: Any, numbers: list[int]) -> str | None:
    total = hashlib.sha256()
    for number in numbers:
        try:
            total.update(_bytes(dataset[number]))
        except KeyboardInterrupt:
            raise  # of a person, perhaps
        except BaseException:  # noqa: BLE001  whatever user code raises, sys.exit() too
            # Reported, with exit code and row, by the attempt that comes to this row's batch.
            return None
    return total.hexdigest()


def _bytes(value: Any) -> bytes:
    """Bytes that are equal for equal values in every process; TypeError for unknown types."""
    match value:
        case torch.Tensor():
            return _bytes(value.detach().cpu().numpy())
        case np.ndarray() if not value.dtype.hasobject:
            head = f"{value.dtype.str}{value.shape}".encode()
            return head + np.ascontiguousarray(value).tobytes()
        case np.generic():
            return _bytes(np.asarray(value))
        case None | bool() | int() | float() | str():
            return json.dumps(value).encode()
        case bytes() | bytearray():
            return bytes(value)
        case dict():
            return b"{" + b",".join(_bytes(k) + b":" + _bytes(v) for k, v in value.items()) + b"}"
        case list() | tuple():
            return b"[" + b",".join(_bytes(item) for item in value) + b"]"
    if hasattr(value, "tobytes"):  # a PIL image
        return repr(getattr(value, "size", "")).encode() + bytes(value.tobytes())
    raise TypeError(type(value).__qualname__)
