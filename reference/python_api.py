"""The pages of what Python programs import."""

import inspect
from collections.abc import Iterator
from typing import Any

import batchprocess
from batchprocess import client, data
from batchprocess.client.logs.log_lines import LogLine
from batchprocess.data.length_groups import LengthGroups
from batchprocess.runs.results import Result, Results
from batchprocess.sdk.attempt.try_out import TriedFile, TriedOut
from reference.docstrings import described, fields_of, signature

_SDK = """\
# The Python SDK, name by name

Made by `make generate` from signatures and docstrings. How they play together: [api.md](../api.md).
A `Column` is a tensor, an array of numpy or Arrow, a Series, or a list:
[saving.md](../saving.md#what-may-be-saved).

"""
_CLIENT = """\
# The Python client, name by name

Made by `make generate` from signatures and docstrings. How it is used: [client.md](../client.md).
`BatchProcessJob` and `Status` are models of [the job](batchprocessjob.md); its field `batchSize`
is `batch_size` there.

"""
_FIRST = ("torch_batch_process", "TorchBatchProcessor", "TorchBatchProcessorContext")
_CONSTRUCTED = ("TorchBatchProcessor", "Jobs")


def sdk_page() -> str:
    """What `batchprocess` and `batchprocess.data` have, and what their functions give."""
    rest = [name for name in batchprocess.__all__ if name not in _FIRST]
    parts = [_part(name, getattr(batchprocess, name), 2) for name in (*_FIRST, *rest)]
    given = [_part(one.__name__, one, 2) for one in (Results, Result, TriedOut, TriedFile)]
    readers = [_part(name, getattr(data, name), 3) for name in data.__all__]
    readers.append(_part("LengthGroups", LengthGroups, 3))
    head = f"## batchprocess.data\n\n{described(data)}\n"
    return _SDK + "\n".join([*parts, *given, head, *readers])


def client_page() -> str:
    """What `batchprocess.client` has; models of the job are on a page of their own."""
    things = {name: one for name, one in vars(client).items() if inspect.isclass(one)}
    errors = {name: one for name, one in things.items() if issubclass(one, Exception)}
    classes = {name: things[name] for name in ("Jobs", "ClusterJob")} | {"LogLine": LogLine}
    parts = [_part(name, one, 2) for name, one in classes.items()]
    rows = [f"| `{name}` | {_first_line(one)} |" for name, one in errors.items()]
    table = "\n".join(["## Errors\n", "| error | when |\n|---|---|", *rows])
    return _CLIENT + "\n".join([*parts, table]) + "\n"


def _first_line(one: type) -> str:
    return " ".join(described(one).split("\n\n")[0].split())


def _part(name: str, thing: Any, level: int) -> str:
    called = inspect.isfunction(thing) or name in _CONSTRUCTED
    parts = [f"{'#' * level} {name}\n", *([f"{signature(name, thing)}\n"] if called else [])]
    parts.append(f"{described(thing)}\n")
    if inspect.isclass(thing) and (fields := fields_of(thing)):
        parts.append(fields)
    members = _members(thing) if inspect.isclass(thing) else ()
    return "\n".join([*parts, *(_part(one, value, level + 1) for one, value in members)])


def _members(thing: type) -> Iterator[tuple[str, Any]]:
    """Methods of its own, and what is worked out; fields are in its docstring."""
    for name, value in vars(thing).items():
        if not name.startswith("_") and (inspect.isfunction(value) or isinstance(value, property)):
            yield name, value
