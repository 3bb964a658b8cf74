"""The ids of rows: integers or texts, one sort in one file."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch

_MOST = 1 << 63


@dataclass(frozen=True)
class IntegerIds:
    """Integers of Python: of whichever 64 bits hold all of a file's, signed or not."""

    low: int
    high: int

    @property
    def dtype(self) -> str:
        """That holds them."""
        return "int64" if self.high < _MOST else "uint64"

    def __str__(self) -> str:
        return f"{self.dtype} ()"

    def joined(self, known: Any) -> Any:
        """The type of these and of what a file has; None if there is none."""
        if known is None:
            return self if self._fit() else None
        if isinstance(known, IntegerIds):
            both = IntegerIds(min(self.low, known.low), max(self.high, known.high))
            return both if both._fit() else None
        return known if self.fit_into(known) else None

    def fit_into(self, tensor: Any) -> bool:
        """Whether they are of the type that ids in tensors have."""
        return (tensor == ("int64", ()) and self.high < _MOST) or (
            tensor == ("uint64", ()) and self.low >= 0
        )

    def _fit(self) -> bool:
        return self.high < (_MOST if self.low < 0 else 2 * _MOST) and self.low >= -_MOST


def joined_ids(known: Any, new: Any) -> Any:
    """The type of ids that a file has with `new` among them; None if they are of two sorts.

    Nothing (`()`) says what the ids of no rows are.
    """
    if not new or not known:
        return new or known or ()
    if isinstance(new, IntegerIds):
        return new.joined(known)
    if isinstance(known, IntegerIds):
        return new if known.fit_into(new) else None
    return known if known == new else None


def integer_ids(ids: Any) -> tuple[Any, IntegerIds | None]:
    """Integers of Python or numpy as a tensor, and from where to where; all else as it is.

    Arrays of what is no number become lists.
    """
    if isinstance(ids, np.ndarray) and ids.dtype.kind not in "biuf" and ids.ndim == 1:
        ids = ids.tolist()
    if isinstance(ids, range) and ids and ids.step > 0 <= ids.start and ids.stop < _MOST:
        # The rows' numbers, in nearly every call: not one by one.
        return torch.arange(ids.start, ids.stop, ids.step), IntegerIds(ids[0], ids[-1])
    if not isinstance(ids, list | tuple | range) or not all(map(_is_integer, ids)):
        return ids, None
    if not ids:
        return torch.empty(0, dtype=torch.int64), None
    found = IntegerIds(int(min(ids)), int(max(ids)))
    if found.joined(None) is None:
        raise ValueError(
            f"ids are from {found.low} to {found.high}, and 64 bits hold those from -2**63 to "
            "2**63 - 1, or from 0 to 2**64 - 1: give texts, by str()"
        )
    dtype = np.int64 if found.high < _MOST else np.uint64
    return torch.from_numpy(np.array(ids, dtype)), found


def _is_integer(one: Any) -> bool:
    return type(one) is int or isinstance(one, np.integer)
