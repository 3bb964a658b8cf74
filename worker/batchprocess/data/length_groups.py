"""Groups of similar length within a large batch, so that little of it is padding."""

from collections.abc import Sequence
from typing import Any, overload

import numpy as np

from batchprocess.protocol.errors import InvalidArgument


def by_length(lengths: Sequence[int] | Any, budget: int, *, multiple: int = 1) -> "LengthGroups":
    """Cut a batch into groups of rows of similar length, the longest first.

    lengths: of each row, in tokens; a list, or an array or tensor of one dimension. budget: tokens
    that a group may have when all its rows are padded to its longest; a row of more is a group by
    itself. multiple: groups are padded to multiples of it (`LengthGroups.lengths`), so that batch
    after batch has the same few shapes: what a GPU's libraries prepare for a new one takes longer
    than the group. The groups depend on nothing else. Raises InvalidArgument.

        groups = by_length([len(one) for one in tokens], budget=65_536, multiple=64)
        made = [
            embed([tokens[row] for row in group], padded_to=length)
            for group, length in zip(groups, groups.lengths)
        ]
        embedding = groups.restore(made)
    """
    _refuse_unless_positive("budget", budget)
    _refuse_unless_positive("multiple", multiple)
    sizes = [-(-size // multiple) * multiple for size in _integers(lengths)]
    groups: list[list[int]] = []
    most = 0
    # Equal ones keep their order.
    for row in sorted(range(len(sizes)), key=lambda row: -sizes[row]):
        if not groups or (len(groups[-1]) + 1) * most > budget:
            groups.append([])
            most = max(1, sizes[row])
        groups[-1].append(row)
    return LengthGroups(groups, [sizes[group[0]] for group in groups])


class LengthGroups(Sequence[list[int]]):
    """Groups of rows' positions in a batch; each position is in one of them."""

    def __init__(self, groups: list[list[int]], lengths: list[int]) -> None:
        self._groups = groups
        self.lengths = lengths
        """To which each group's rows are padded, in tokens: its longest, rounded up."""

    def __len__(self) -> int:
        return len(self._groups)

    @overload
    def __getitem__(self, group: int) -> list[int]: ...
    @overload
    def __getitem__(self, group: slice) -> list[list[int]]: ...
    def __getitem__(self, group: int | slice) -> list[int] | list[list[int]]:
        return self._groups[group]

    def restore(self, results: Sequence[Any]) -> Any:
        """Results of all rows in the batch's order, from those of each group.

        results: for each group, in their order, a list, or a tensor or an array of numpy with a row
        for each of its rows. Tensors and arrays are one again, and must have the same type, device
        and shape of a row; of lists, or a mixture, a list is made. Raises InvalidArgument.
        """
        self._refuse_other_sizes(results)
        if results and all(_is_tensor(one) for one in results):
            return self._restored_to(_empty_like(results, sum(map(len, self._groups))), results)
        rows: list[Any] = [None] * sum(map(len, self._groups))
        for group, result in zip(self._groups, results, strict=True):
            for row, value in zip(group, result, strict=True):
                rows[row] = value
        return rows

    def _restored_to(self, whole: Any, results: Sequence[Any]) -> Any:
        for group, result in zip(self._groups, results, strict=True):
            whole[group] = result
        return whole

    def _refuse_other_sizes(self, results: Sequence[Any]) -> None:
        if len(results) != len(self._groups):
            raise InvalidArgument(
                f"{len(results)} results for {len(self._groups)} groups: give one each"
            )
        for number, (group, result) in enumerate(zip(self._groups, results, strict=True)):
            if len(result) != len(group):
                raise InvalidArgument(
                    f"the result of group {number} has {len(result)} rows, and the group has "
                    f"{len(group)}"
                )


def _refuse_unless_positive(name: str, value: object) -> None:
    if type(value) is not int or value < 1:
        raise InvalidArgument(f"{name} {value!r} must be a number of tokens, at least 1")


def _integers(lengths: Any) -> list[int]:
    found = lengths.tolist() if hasattr(lengths, "tolist") else list(lengths)
    for row, size in enumerate(found):
        if type(size) is not int or size < 0:
            raise InvalidArgument(f"length {row} is {size!r}: it must be an integer, at least 0")
    return found


def _is_tensor(result: Any) -> bool:
    """Of torch, which is not imported here, or of numpy."""
    return isinstance(result, np.ndarray) or hasattr(result, "new_empty")


def _empty_like(results: Sequence[Any], rows: int) -> Any:
    """For all rows; nothing may be cast or spread when it is filled."""
    kinds = {_kind(one): number for number, one in reversed(list(enumerate(results)))}
    if len(kinds) > 1:
        (kind, first), (other, second) = sorted(kinds.items(), key=lambda item: item[1])[:2]
        raise InvalidArgument(
            f"group {first} has {kind} as its result, and group {second} {other}: give lists where "
            "rows differ in shape"
        )
    first_one = results[0]
    shape = (rows, *first_one.shape[1:])
    if isinstance(first_one, np.ndarray):
        return np.empty(shape, first_one.dtype)
    return first_one.new_empty(shape)


def _kind(result: Any) -> str:
    device = getattr(result, "device", "")
    where = f" on {device}" if device and not isinstance(result, np.ndarray) else ""
    return (
        f"{type(result).__name__} of {result.dtype}, rows of shape {tuple(result.shape[1:])}{where}"
    )
