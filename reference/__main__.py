"""Write those pages, or say what is stale: `python -m reference [--check]`.

Run in the repository's root. With --check nothing is written, and the exit code is 1 if a page
differs from what would be.
"""

import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from reference.commands import command_page
from reference.python_api import client_page, sdk_page

_COMMAND = "make generate"
PAGES: Mapping[str, Callable[[], str]] = {
    "docs/reference/cli.md": command_page,
    "docs/reference/client.md": client_page,
    "docs/reference/python.md": sdk_page,
}


def main(arguments: Sequence[str], root: Path) -> int:
    """Write, or check; returns the exit code."""
    if list(arguments) not in ([], ["--check"]):
        sys.stderr.write("usage: python -m reference [--check]\n")
        return 2
    made = {root / name: make() for name, make in PAGES.items()}
    if not arguments:
        for page, text in made.items():
            page.write_text(text)
        return 0
    stale = [page for page, text in made.items() if not page.is_file() or page.read_text() != text]
    for page in stale:
        name = page.relative_to(root)
        sys.stderr.write(f"{name} is not what the code says: run `{_COMMAND}` and commit it\n")
    return 1 if stale else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
