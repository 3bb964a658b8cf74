"""Write docs/reference/conditions.md: `python -m batchprocess_operator.conditions_page [--check]`.

Run in the repository's root. With --check nothing is written, and the exit code is 1 if the page
is not what would be made.
"""

import sys
from collections.abc import Sequence
from pathlib import Path

from batchprocess.api.schema.generated_files import COMMAND, write_or_check
from batchprocess_operator.model.condition_types import CONDITION_TYPES, ConditionType

PAGE = Path("docs", "reference", "conditions.md")
_INTRODUCTION = f"""\
# Conditions of a BatchProcessJob

Made by `{COMMAND}` from operator/batchprocess_operator/model/condition_types.py.
A condition that is absent does not hold, or nothing is known of it. A message is a sentence for
people, of at most 1,024 characters; programs go by type, status and reason.
"""


def conditions_page() -> str:
    """The page, in Markdown."""
    head = "| condition | told when |\n|---|---|"
    rows = [
        f"| [`{name}`](#{name.lower()}) | {one.meaning} |" for name, one in CONDITION_TYPES.items()
    ]
    sections = [_section(name, one) for name, one in CONDITION_TYPES.items()]
    return "\n".join([_INTRODUCTION, head, *rows, "", *sections])


def main(arguments: Sequence[str], root: Path) -> int:
    """Write, or check; returns the exit code."""
    files = {str(PAGE): conditions_page}
    return write_or_check(files, arguments, root, "batchprocess_operator.conditions_page")


def _section(name: str, one: ConditionType) -> str:
    rows = [f"| `{reason}` | {meaning} |" for reason, meaning in one.reasons.items()]
    others = [f"\nAnd reasons {one.others}."] if one.others else []
    return "\n".join([f"## {name}\n", "| reason | meaning |\n|---|---|", *rows, *others, ""])


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:], Path.cwd()))
