"""Deleting bad rows that no record names."""

from collections.abc import Iterable

from batchprocess.ledger.effects import Delete, Flow, ListSizes
from batchprocess.ledger.read import ShardLedger
from batchprocess.protocol.file_names import BAD_ROWS_FOLDER, record_of_data


def clean_bad_rows(ledgers: Iterable[ShardLedger]) -> Flow[list[str]]:
    """As `finalize.clean`, under errors/; `ledgers` are all of the run.

    One listing: few runs have any. Returns the keys that storage refused to delete.
    """
    listed: dict[str, int] = yield ListSizes(BAD_ROWS_FOLDER)
    strays = {key for key in listed if record_of_data(key) is not None}
    if not strays:
        return []
    for ledger in ledgers:
        for body in ledger.bodies:
            strays -= {item.key for item in body.objects()}
    refused: list[str] = yield Delete(tuple(sorted(strays)))
    return refused
