"""What an attempt reads and writes in its run before the loop: run.json, probe, cursor, claim."""

import secrets
from functools import cached_property

from batchprocess.ledger.attempt import Claimed, claim
from batchprocess.ledger.head import durable_head
from batchprocess.ledger.identity import Identity, refuse_finished
from batchprocess.ledger.job_settings import differ_in_command
from batchprocess.ledger.run import open_run, read_run, require_same
from batchprocess.ledger.tables.table_schemas import KeptSchema, known_schemas
from batchprocess.protocol.run import RunInfo
from batchprocess.runs.finish import identity
from batchprocess.runs.perform import perform
from batchprocess.runs.probe import probe
from batchprocess.sdk.attempt.assembly import AttemptAssembly
from batchprocess.sdk.report.standalone_log import warn_that_commands_differ


class ShardLedger:
    """Our shard's place in the run."""

    def __init__(self, assembly: AttemptAssembly) -> None:
        self._placement, self._storage = assembly.placement, assembly.storage
        self._patience, self._schemas = assembly.patience, assembly.resources.schemas

    @cached_property
    def identity(self) -> Identity:
        """Who signs this attempt's records."""
        job = self._placement.environment
        shard, source = self._placement.shard, job.source_digest
        return identity(job.job, shard, retry=job.retry, source=source)

    def stored_run(self) -> RunInfo | None:
        """What run.json says; None while no attempt has begun the run."""
        return perform(read_run(), self._storage, self._patience(first=True))

    def require_same_run(self, ours: RunInfo, stored: RunInfo) -> None:
        """Raise RunMismatch unless both would cut and process the dataset alike."""
        require_same(ours, stored, self._placement.how_to_start_another)
        if differ_in_command(ours.asked, stored.asked):
            warn_that_commands_differ(self._placement.shard)

    def cursor(self) -> int:
        """Of the last commit. Raises ShardSealed, and what else ends a shard for good."""
        head = perform(durable_head(self._placement.shard), self._storage, self._patience())
        refuse_finished(head, self.identity)
        return 0 if head is None else head.record.cursor

    def begin_schemas(self, run: RunInfo, *, known: bool) -> None:
        """Let `save` know how it is in this run, and with `known` the schemas that it has."""
        kept: dict[str, KeptSchema] = {}
        if known and run.has_schemas:
            kept = perform(known_schemas(), self._storage, self._patience())
        found = {name: (one.schema, one.digest) for name, one in kept.items()}
        self._schemas.begin(enforced=run.has_schemas, kept=found)

    def probe(self) -> None:
        """Raise UnsafeStorage if the store lets two creates of one key win."""
        probe(self._storage, lambda: secrets.token_hex(16), self._patience(first=True))

    def open_run(self, ours: RunInfo) -> RunInfo:
        """Write run.json, or find that another attempt has just written the like; what stands."""
        flow = open_run(ours, self._placement.how_to_start_another)
        return perform(flow, self._storage, self._patience(first=True))

    def claim(self, follows: str | None) -> Claimed:
        """Own the shard from now on, behind the attempt that asked for ours, if one has.

        Raises what forbids it.
        """
        most = self._placement.environment.max_attempts_without_progress
        flow = claim(self.identity, max_without_progress=most, follows=follows)
        return perform(flow, self._storage, self._patience())
