"""Names that come from outside, before they become part of an address."""

import re

from batchprocess.protocol.errors import InvalidArgument

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
MAX_JOB_NAME, MAX_NAMESPACE = 40, 63


def check_job_name(name: str) -> str:
    """The name. Raises InvalidArgument for what is no name of a job."""
    return _check(name, "the name of a job", MAX_JOB_NAME)


def check_namespace(name: str) -> str:
    """The name. Raises InvalidArgument for what is no name of a namespace."""
    return _check(name, "a namespace", MAX_NAMESPACE)


def _check(name: str, what: str, most: int) -> str:
    if len(name) <= most and re.fullmatch(_LABEL, name):
        return name
    raise InvalidArgument(
        f"{name!r:.100} is not {what}: at most {most} of a-z, 0-9 and -, "
        "beginning and ending with a letter or digit"
    )
