"""Write those pages, or say what is stale: `python -m reference [--check]`.

Run in the repository's root. With --check nothing is written, and the exit code is 1 if a page
differs from what would be.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from batchprocess.api.schema.generated_files import Files, write_or_check
from reference.commands import command_page
from reference.python_api import client_page, sdk_page

PAGES: Files = {
    "docs/reference/cli.md": command_page,
    "docs/reference/client.md": client_page,
    "docs/reference/python.md": sdk_page,
}


def main(arguments: Sequence[str], root: Path) -> int:
    """Write, or check; returns the exit code."""
    return write_or_check(PAGES, arguments, root, "reference")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
