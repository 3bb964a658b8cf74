"""What is asked of user code beside processing a shard: the plan, and the reducers' result."""

import os
import sys
from typing import NoReturn

from batchprocess.ledger.run import read_run
from batchprocess.protocol.control import Reduced
from batchprocess.protocol.dry_run import DryRunQuestion
from batchprocess.runs.perform import perform
from batchprocess.sdk.attempt.assembly import AttemptAssembly
from batchprocess.sdk.attempt.dry_run import print_plan
from batchprocess.sdk.attempt.state import AttemptState
from batchprocess.sdk.setup.source_check import check_source


def answer_if_asked(assembly: AttemptAssembly, state: AttemptState) -> None:
    """For `plan` and for the finalizer, who want no shard processed: ends the process."""
    question = DryRunQuestion.from_env(os.environ)
    if question is not None:
        print_plan(assembly, state.where, question)
        _end(assembly)
    if assembly.placement.environment.role == "finalize":
        state.link.send(_reduced(assembly, state))
        _end(assembly)


def _reduced(assembly: AttemptAssembly, state: AttemptState) -> Reduced:
    """The reducers' result over all shards. No batch, no hook."""
    where = state.where
    where.run_exists = True
    run = perform(read_run(), assembly.storage, assembly.patience())
    if run is not None:
        # Reducers of another source than that of their values are code of this run as well.
        check_source(assembly.placement, run, state.link)
    with where.at("__init__"):
        assembly.new_processor(rank=0)
    with where.at("reduce"):
        return assembly.reducing().of_all_shards(assembly.placement.environment.shards, where)


def _end(assembly: AttemptAssembly) -> NoReturn:
    """End the process here: what stands behind the call must not run without a finished shard."""
    assembly.remove_temporary_files()
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)
