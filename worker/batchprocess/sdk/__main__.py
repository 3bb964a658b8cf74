"""`python -m batchprocess.sdk`: run the job's `processor` on its `dataset`, without a script."""

import importlib
import inspect
import os
import sys
from typing import Any, NoReturn

from batchprocess.data.by_settings import reader_for
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import BatchProcessError, EndedByUserCode, InvalidArgument
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.runs.local_runs import has_begun
from batchprocess.sdk.attempt.dry_run import print_failure
from batchprocess.sdk.entry import torch_batch_process
from batchprocess.sdk.exit_guard import end_soon_after_script
from batchprocess.sdk.report.agent_link import AgentLink, LoopState
from batchprocess.sdk.report.uncaught import print_plainly_if_uncaught
from batchprocess.storage.factory import open_storage


def main() -> None:
    """Resolve both references, then call torch_batch_process."""
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  sys.path holds strings
    environment = WorkerEnvironment.from_env(os.environ)
    try:
        processor = resolve("processor", environment.processor)
        options = _options(processor)
        dataset = _dataset(environment)
    except BaseException as error:  # noqa: BLE001  whatever the user's modules raise
        _fail(error, environment)
    torch_batch_process(processor, dataset, dataloader_kwargs=options)


def resolve(field: str, reference: str | None) -> Any:
    """The object that `module:name` names; InvalidArgument says which part is missing."""
    module, colon, name = (reference or "").partition(":")
    if not (module and colon and name):
        raise InvalidArgument(f"{field} must be module:name, not {reference!r}")
    try:
        found = importlib.import_module(module)
    except ModuleNotFoundError as error:
        raise InvalidArgument(f"{field}: {reference!r}: {error}") from error
    for part in name.split("."):
        if not hasattr(found, part):
            raise InvalidArgument(f"{field}: module {module!r} has no {name!r}")
        found = getattr(found, part)
    return found


def _dataset(environment: WorkerEnvironment) -> Any:
    if environment.input is not None:
        return reader_for(environment.input, environment.run_uri)
    function, hparams = resolve("dataset", environment.dataset), environment.hparams
    if not callable(function):
        raise InvalidArgument(f"dataset must name a function, not a {type(function).__qualname__}")
    return function(hparams) if len(inspect.signature(function).parameters) == 1 else function()


def _options(processor: Any) -> dict[str, Any] | None:
    """What a script would give as dataloader_kwargs: the processor's static `collate_fn`, if any.

    InvalidArgument for one that needs an object: the loader calls it, and has none.
    """
    if inspect.getattr_static(processor, "collate_fn", None) is None:
        return None
    if inspect.isfunction(inspect.getattr_static(processor, "collate_fn")):
        name = getattr(processor, "__qualname__", repr(processor))
        raise InvalidArgument(
            f"{name}.collate_fn must be a static method, as loader processes call it without a "
            "processor: put @staticmethod above it"
        )
    return {"collate_fn": processor.collate_fn}


def _fail(error: BaseException, environment: WorkerEnvironment) -> NoReturn:
    """91 while no attempt has ever begun; later another node may do what this one can't."""
    link = AgentLink.open(LoopState(), os.environ)
    begun = has_begun(open_storage(environment.run_uri, environment.s3))
    code = ExitCode.OTHER if begun else ExitCode.CANNOT_WORK
    said = f"{type(error).__name__}: {error}".removesuffix(": ")
    sentence = f"the job's code could not be loaded: {said}"
    ours = isinstance(error, BatchProcessError)
    link.report_outcome(code, str(error) if ours else sentence)
    print_failure(code, str(error) if ours else sentence, ours=ours)
    end_soon_after_script(ExitCode.OTHER, at_end=link.report_ending, tidy=lambda: None)
    raised = error if isinstance(error, Exception) else EndedByUserCode(sentence)
    print_plainly_if_uncaught(raised, reported=link.connected)
    # Not as sys.exit(0) asks: nothing has been processed.
    raise raised from (error.__cause__ if raised is error else error)


if __name__ == "__main__":
    main()
