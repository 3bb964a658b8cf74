"""What reducers get, out of the ledgers."""

from dataclasses import replace

from batchprocess.ledger.attempt import commit
from batchprocess.ledger.draft import StagedReducer
from batchprocess.ledger.metrics import reducer_entries
from batchprocess.ledger.read import read_shard
from batchprocess.protocol.records import ReducerEntry
from batchprocess.runs.perform import perform
from support.ledger_steps import OLD, claimed, draft, me
from support.storage.fake_storage import FakeMemoryStorage


def test_slots_are_attempts_functions_are_commits_and_states_are_shards():
    store = FakeMemoryStorage()
    for who, span, values in (("A", (0, 4), (1, 2)), ("B", (4, 10), (3,))):
        at = claimed(store, me(who))
        for number, value in enumerate(values):
            step = (span[1] - span[0]) // len(values)
            first = span[0] + number * step
            made = draft(first, first + step)
            at = perform(commit(me(f"{who}", OLD), at, _with_values(made, value)), store)
    entries = reducer_entries([perform(read_shard(0), store)])
    assert {name: [e.value for e in found] for name, found in entries.items()} == {
        "function": [1, 2, 3],
        "slot": [2, 3],
        "state": [3],
    }


def _with_values(made, value):
    kinds = ("function", "slot", "state")
    entries = tuple(
        StagedReducer(ReducerEntry(name=kind, kind=kind, value=value)) for kind in kinds
    )
    return replace(made, reducers=entries, files=())
