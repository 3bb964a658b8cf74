"""The batch that user code processes: its rows, and what it says of each of them."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch

from batchprocess.sdk.report.row_errors import BadRead


class BatchInWork:
    """`rows`: of the dataset, in the order of the batch. `skips`: whether bad ones are left out.

    A row is failed or saved, never both; of saved ones those are known that were saved under the
    ids of the batch.
    """

    def __init__(self, rows: Sequence[int], *, skips: bool = True) -> None:
        self.rows, self.skips = rows, skips
        self.failed: dict[int, BadRead] = {}
        self._saved: list[tuple[str, Any]] = []

    @property
    def left(self) -> Sequence[int]:
        """The rows that have not failed."""
        if not self.failed:
            return self.rows
        return [row for at, row in enumerate(self.rows) if at not in self.failed]

    def fail(self, position: int, bad: BadRead, ids: Sequence[Any]) -> None:
        """Leave a row out; ValueError if it has failed or was saved. `ids`: of the batch's rows."""
        if position in self.failed:
            raise ValueError(
                f"row {bad.row} (position {position}) has failed already: "
                f"{self.failed[position].message:.200}"
            )
        for name, saved in self._saved:
            among = _as_list(saved)
            if _are_of_batch(among, ids) and ids[position] in among:
                raise ValueError(
                    f"row {bad.row} (position {position}) was saved in {name!r} before it failed: "
                    "call context.fail first, and save the others"
                )
        self.failed[position] = bad

    def require_not_failed(self, name: str, saved: Any, ids: Sequence[Any]) -> None:
        """Raise ValueError if a row that has failed is to be saved. `ids`: of the batch's rows."""
        among = _as_list(saved)
        failed = [at for at in self.failed if ids[at] in among]
        if failed and _are_of_batch(among, ids):
            at = failed[0]
            raise ValueError(
                f"{name!r}: id {ids[at]!r} is of row {self.rows[at]} (position {at}), which has "
                "failed: leave it out"
            )

    def add_saved(self, name: str, saved: Any) -> None:
        """Rows are saved under these ids."""
        self._saved.append((name, _copied(saved)))


def _are_of_batch(among: Iterable[Any], ids: Sequence[Any]) -> bool:
    """Whether all are the batch's own: others may mean anything."""
    known = set(ids)
    return all(one in known for one in among)


def _copied(ids: Any) -> Any:
    """As they are now: the caller may change them."""
    if isinstance(ids, torch.Tensor):
        return ids.detach().clone()
    return ids.copy() if isinstance(ids, np.ndarray | list) else ids


def _as_list(ids: Any) -> list[Any]:
    convert = getattr(ids, "tolist", None) or getattr(ids, "to_pylist", None)
    return convert() if convert is not None else list(ids)
