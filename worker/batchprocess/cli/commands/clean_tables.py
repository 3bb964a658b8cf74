"""What `batchprocess clean` removes of tables, and what it leaves."""

import sys

from batchprocess.protocol.errors import VerificationError
from batchprocess.runs.tables.strays import is_of_others_too, strays_of
from batchprocess.storage.base import Storage


def belongs_to_others(run: Storage) -> bool:
    """Whether others have gone on with a table of the run; it is said then."""
    if not is_of_others_too(run):
        return False
    print(f"left {run.uri}: others have gone on with a table of it", file=sys.stderr)
    return True


def strays_in(run: Storage) -> tuple[str, ...]:
    """As `strays_of`, but of a run that is damaged none, and that is said."""
    try:
        return strays_of(run)
    except VerificationError as error:
        # Of a run that is damaged nothing is removed; others are looked at all the same.
        print(f"{run.uri} was not looked through for strays: {error}", file=sys.stderr)
        return ()
