"""Whether a job asks for what its run was started for. Pure."""

import json
from typing import Any

from batchprocess.protocol.errors import RunMismatch
from batchprocess.protocol.run import Asked, RunInfo

_SPELLING = {
    "batch_size": "batchSize",
    "max_batches": "maxBatches",
    "shards": "shards",
    "processor": "processor",
    "dataset": "dataset",
    "seed": "seed",
}
MAX_SHOWN = 60
_NOT_SET = "not set"


def require_same_hparams(mine: Asked | None, stored: Asked | None, another: str) -> None:
    """Rows made with other settings are another result, though they are as many.

    A seed that neither job gave was drawn, and is the run's: there is nothing to compare. Rows that
    are left out by hand may be others: each commit says which were.
    """
    if mine is None or stored is None:
        return
    ours, theirs = (_bad_rows_of(one) for one in (mine, stored))
    if ours != theirs:
        raise _mismatch("rows.badRowsOf", ours, theirs, another)
    ours, theirs = (_value_of(one.model_dump(), "seed") for one in (mine, stored))
    if ours != theirs:
        raise _mismatch("seed", ours, theirs, another)
    for key in sorted(mine.hparams.keys() | stored.hparams.keys()):
        ours, theirs = (_value_of(one.hparams, key) for one in (mine, stored))
        if ours != theirs:
            raise _mismatch(f"hparams.{key:.60}", ours, theirs, another)


def require_of_run(mine: Asked | None, run: RunInfo, another: str) -> None:
    """Raise if who finalizes a run was started by a job that cuts or processes it otherwise.

    No attempt of that job may have compared: of shards that are sealed none is begun.
    """
    if mine is None:
        return
    for field in ("shards", "batch_size"):
        ours, theirs = getattr(mine, field), getattr(run, field)
        if ours not in (None, theirs):
            raise _mismatch(_SPELLING[field], str(ours), str(theirs), another)
    require_same_hparams(mine, run.asked, another)


def require_as_asked(mine: Asked | None, stored: Asked | None, another: str) -> None:
    """Raise if a run that is complete was asked for with another job: old results are not new.

    The script is not asked, so what it says itself is taken to be the same.
    """
    if mine is None or stored is None:
        return
    for field, name in _SPELLING.items():
        ours, theirs = (_value_of(one.model_dump(), field) for one in (mine, stored))
        if ours != theirs:
            raise _mismatch(name, ours, theirs, another)
    require_same_hparams(mine, stored, another)
    if differ_in_command(mine, stored):
        raise RunMismatch(
            "command is not the one that this run was started with; use that one, or start "
            f"another run ({another})"
        )


def differ_in_command(mine: Asked | None, stored: Asked | None) -> bool:
    """Unlike settings, a command may change for good reasons (an interpreter, a log level).

    An older operator gives none: that is no other one.
    """
    commands = {one.command for one in (mine, stored) if one is not None}
    return len(commands - {None}) > 1


def _bad_rows_of(asked: Asked) -> str:
    return _value_of({} if asked.rows is None else asked.rows.model_dump(), "bad_rows_of")


def _mismatch(name: str, ours: str, theirs: str, another: str) -> RunMismatch:
    begun = "without it" if theirs == _NOT_SET else f"with {_shortened(theirs)}"
    return RunMismatch(
        f"{name} is {_shortened(ours)}, but this run was started {begun}; do as it did, or start "
        f"another run ({another})"
    )


def _value_of(values: dict[str, Any], key: str) -> str:
    absent = values.get(key) is None
    return _NOT_SET if absent else json.dumps(values[key], sort_keys=True)


def _shortened(text: str) -> str:
    return text if len(text) <= MAX_SHOWN else f"{text[:MAX_SHOWN]}..."
