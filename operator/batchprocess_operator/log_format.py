"""Lines of the log: whatever is foreign in them is short, and no line is two."""

import logging
from typing import Any

from batchprocess_operator.model.plain_text import plain

MAX_LINE = 4_096
MAX_TRACEBACK = 16_384


class PlainFormatter(logging.Formatter):
    """Cuts messages and tracebacks, and takes out what a terminal would obey.

    Libraries log as well, and errors' texts have in them what tenants wrote.
    """

    def __init__(self) -> None:
        super().__init__("%(asctime)s %(levelname)s %(name)s: %(message)s")

    def formatMessage(self, record: logging.LogRecord) -> str:  # noqa: N802  as logging calls it
        """The line without a traceback."""
        return plain(super().formatMessage(record), MAX_LINE)

    def formatException(self, ei: Any) -> str:  # noqa: N802  as logging calls it
        """Its last lines, which name the error and where it was raised."""
        text = super().formatException(ei)
        return "\n".join(plain(line, MAX_LINE) for line in text[-MAX_TRACEBACK:].splitlines())
