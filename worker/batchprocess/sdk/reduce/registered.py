"""Reducers as a processor wrapped them, and their results over stored values."""

from collections.abc import Iterable
from typing import Any, Literal

from batchprocess.protocol.json_values import check_readable
from batchprocess.sdk.reduce.json_codec import from_json, readable
from batchprocess.sdk.reduce.reducers import FunctionReducer, MetricReducer


class RegisteredReducer:
    """A reducer as `wrap_reducer` took it: under which name its values are stored."""

    def __init__(self, reducer: MetricReducer, name: str | None, number: int) -> None:
        self.reducer = reducer
        self.name = name
        self.key = name if name is not None else f"unnamed-{number}"

    @property
    def kind(self) -> Literal["function", "slot", "state"]:
        """How its values add up over commits; see `ledger.metrics.reducer_entries`."""
        if isinstance(self.reducer, FunctionReducer):
            return "function"
        return "state" if hasattr(self.reducer, "state_dict") else "slot"

    def value_to_store(self) -> Any:
        """For the commit that is being cut."""
        if self.kind == "state":
            return self.reducer.state_dict()  # type: ignore[attr-defined]
        if isinstance(self.reducer, FunctionReducer):
            return self.reducer.drain_updates()
        return self.reducer.per_slot_reduce()

    def is_void(self) -> bool:
        """Whether it has no value yet: nothing was updated, and nothing is no value to it."""
        try:
            self.reducer.per_slot_reduce()
        except Exception:  # noqa: BLE001  whatever a mean or a maximum of nothing raises
            return True
        return False

    def resume(self, stored: Any) -> None:
        """Go on from the state that the shard's last commit holds."""
        if self.kind == "state":
            self.reducer.load_state_dict(from_json(stored))  # type: ignore[attr-defined]

    def reduce(self, stored: list[Any]) -> dict[str, Any]:
        """The result over all shards, by name; an unnamed reducer returns a dict itself."""
        values = [from_json(value) for value in stored]
        if self.kind == "state":
            values = [self._slot_of(state) for state in values]
        result = self.reducer.cross_slot_reduce(values)
        if self.name is not None:
            return {self.name: result}
        if not isinstance(result, dict):
            raise TypeError(
                f"the unnamed reducer {type(self.reducer).__qualname__} must return a dict of "
                f"names and values, not {type(result).__qualname__}; or pass name= to wrap_reducer"
            )
        return result

    def _slot_of(self, state: Any) -> Any:
        self.reducer.reset()
        self.reducer.load_state_dict(state)  # type: ignore[attr-defined]
        return self.reducer.per_slot_reduce()


def _result(name: str, value: Any) -> Any:
    if not isinstance(name, str):
        raise TypeError(f"a reducer's result is called {name!r}: names must be texts")
    try:
        found = readable(value)
        check_readable({name: found})
    except TypeError as error:
        raise TypeError(f"the result of reducer {name!r}: {error}") from error
    except (ValueError, RecursionError) as error:
        raise ValueError(f"the result of reducer {name!r} cannot be written: {error}") from error
    return found


def reduce_all(stored: Iterable[tuple[RegisteredReducer, list[Any]]]) -> dict[str, Any]:
    """Every reducer's result over its stored values, as plain JSON, by name.

    Raises ValueError if two results have one name, and whatever user code raises.
    """
    results: dict[str, Any] = {}
    for one, values in stored:
        found = {name: _result(name, value) for name, value in one.reduce(values).items()}
        if twice := results.keys() & found.keys():
            raise ValueError(f"two reducers return {min(twice)!r}: rename one")
        results |= found
    return results
