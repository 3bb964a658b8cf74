"""How many files and connections the process may have open."""

import logging
import resource

_LOG = logging.getLogger(__name__)
_ENOUGH = 1 << 20
"""What Linux itself allows a process (`fs.nr_open`), also where the limit says unlimited."""


def raise_limit() -> int:
    """Raise the limit of this process as far as it may go; returns the limit.

    Half of all systems begin with 1,024, for programs that use `select`; we use epoll.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _ENOUGH if hard == resource.RLIM_INFINITY else hard
    if soft != resource.RLIM_INFINITY and soft >= wanted:
        return soft
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
    except (OSError, ValueError) as error:
        _LOG.warning("at most %d files can be open, not %d: %s", soft, wanted, error)
        return soft
    return wanted
