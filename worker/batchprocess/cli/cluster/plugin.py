"""`kubectl batchprocess`: the verbs for clusters, where kubectl finds them.

kubectl runs `kubectl-batchprocess` with what follows its name, and, to complete that,
`kubectl_complete-batchprocess`, whose last line is a directive of Cobra's.
"""

import sys
from collections.abc import Sequence

from click.shell_completion import ShellComplete

from batchprocess.cli.cluster.verbs import kubectl

_NO_FILES, _FILES = ":4", ":0"


def main() -> None:
    """What kubectl runs."""
    kubectl(prog_name="kubectl batchprocess")


def complete() -> None:
    """What kubectl asks: the last of the arguments is the word that is being typed."""
    print("\n".join(completions(sys.argv[1:])))


def completions(words: Sequence[str]) -> list[str]:
    """A line for each, a tab before its description, and the directive."""
    *before, begin = words or [""]
    asked = ShellComplete(kubectl, {}, "kubectl batchprocess", "")
    items = asked.get_completions(list(before), begin)
    files = any(item.type != "plain" for item in items)
    lines = [f"{item.value}\t{item.help or ''}".rstrip() for item in items if item.type == "plain"]
    return [*lines, _FILES if files else _NO_FILES]
