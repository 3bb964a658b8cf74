"""Lines of the log: whatever is foreign in them is short, and no line is two."""

import json
import logging
from datetime import UTC, datetime
from typing import Any

from batchprocess.plain_text import plain

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


class JsonFormatter(PlainFormatter):
    """The same as one JSON object a line, with the names that collectors look for."""

    def format(self, record: logging.LogRecord) -> str:
        """Fields time, level, logger, message and, with a traceback, exception."""
        said = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": plain(record.getMessage(), MAX_LINE),
        }
        if record.exc_info:
            said["exception"] = self.formatException(record.exc_info)
        return json.dumps(said)


def formatter(log_format: str) -> logging.Formatter:
    """The one for `text` or `json`."""
    return JsonFormatter() if log_format == "json" else PlainFormatter()
