"""Which tables of a run are ours alone, so that strays may be deleted there."""

from collections.abc import Collection

from batchprocess.ledger.effects import Flow, ListSizes
from batchprocess.ledger.survey import table_names
from batchprocess.protocol.file_names import delta_folder, delta_key


def tables_to_clean(without: Collection[str] = ()) -> Flow[tuple[str, ...]]:
    """Tables of the run in which nobody else has written, as far as a log of Delta tells.

    `without`: those without one of ours, as the summary says; any log there is another's.
    Past its first version a log names what others have added, and files that they have replaced
    still are their older versions.
    """
    tables = yield from table_names()
    ours = []
    for stem in tables:
        log: dict[str, int] = yield ListSizes(delta_folder(stem))
        if log.keys() <= (set() if stem in without else {delta_key(stem)}):
            ours.append(stem)
    return tuple(ours)
