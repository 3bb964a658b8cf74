"""Files that are being written, beside those that they will become, and what is left of them."""

import contextlib
import itertools
import re
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from batchprocess.storage import durable

# So narrow that no file of a user's has such a name, `.tmp-mine` for instance.
_NAME = re.compile(r"^\.tmp-[0-9a-f]{32}-[0-9]+$")
_NUMBERS = itertools.count()


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """A name in the same folder that no file has; removed at the end if it is still there."""
    # Never the same name twice, even for one record: a retry must not meet its own leftover.
    temporary = path.with_name(f".tmp-{secrets.token_hex(16)}-{next(_NUMBERS)}")
    try:
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def is_temporary(path: Path) -> bool:
    """Whether a file has such a name."""
    return _NAME.match(path.name) is not None


def temporaries_below(folder: Path, before: datetime) -> Iterator[Path]:
    """Those of writers that were killed: last changed before then."""
    for path in durable.files(folder):
        if is_temporary(path):
            with contextlib.suppress(FileNotFoundError):  # its writer has just finished
                if path.stat().st_mtime < before.timestamp():
                    yield path
