"""Ask for known faults of what the locks and Go modules name: `python3 -P tests/audit.py LOCK ...`.

Each line of the answer is a fault, or what was not checked and why: a database that cannot be
reached says nothing, neither good nor bad, and pip-audit calls it "no known vulnerabilities". The
exit status is 1 if a fault is known; with --strict, 2 if anything was not checked; else 0.

Needs nothing but Python, and the two programs.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

SECONDS = 600
FOUND = 3
"""govulncheck's exit status if it has found something."""


@dataclass(frozen=True)
class Answer:
    """What is known of one lock or module."""

    name: str
    checked: int = 0
    faults: tuple[str, ...] = ()
    unknown: str = ""

    def lines(self) -> list[str]:
        """For a person."""
        told = [f"{self.name}: FAULT: {one}" for one in self.faults]
        if self.unknown:
            told.append(f"{self.name}: NOT CHECKED: {self.unknown}")
        return told or [f"{self.name}: {self.checked or 'all'} checked, no fault known"]


def of_lock(pip_audit: str, lock: str) -> Answer:
    """What pip-audit says of a lock."""
    options = ("--disable-pip", "--require-hashes", "--progress-spinner=off", "--format=json")
    _, output, errors = _run([pip_audit, *options, f"--requirement={lock}"])
    try:
        packages = json.loads(output)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return Answer(lock, unknown=_last(errors or output))
    skipped = [one for one in packages if "skip_reason" in one]
    faults = tuple(_sentence(one, fault) for one in packages for fault in one.get("vulns", ()))
    unknown = ""
    if skipped:
        count = f"{len(skipped)} of {len(packages)} packages"
        unknown = f"{count} could not be asked about: {_last(skipped[0]['skip_reason'])}"
    return Answer(lock, len(packages) - len(skipped), faults, unknown)


def of_go(govulncheck: str, what: str) -> Answer:
    """What govulncheck says of a folder with a module, or of a program."""
    mode = ["-C", what, "-scan=module"] if Path(what).is_dir() else ["-mode=binary", what]
    status, output, errors = _run([govulncheck, *mode])
    if status == FOUND:
        return Answer(what, faults=(output.strip(),))
    return Answer(what, unknown=_last(errors or output) if status else "")


def _sentence(package: dict[str, Any], fault: dict[str, Any]) -> str:
    mended = ", ".join(fault.get("fix_versions", ())) or "no version yet"
    return f"{package['name']} {package['version']} has {fault['id']}; mended in {mended}"


def _last(text: str) -> str:
    """The last line, which has the cause."""
    return next((line.strip() for line in reversed(text.splitlines()) if line.strip()), "no word")


def _run(command: Sequence[str]) -> tuple[int, str, str]:
    """Exit status, standard output, standard error; as a failure if it cannot run or hangs."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return 1, "", str(error)
    return done.returncode, done.stdout, done.stderr


def main(arguments: Sequence[str]) -> int:
    """Returns the exit status."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--pip-audit", required=True)
    parser.add_argument("--govulncheck", required=True)
    parser.add_argument("--go", action="append", default=[], help="folder of a module, or program")
    parser.add_argument("--strict", action="store_true")
    parser.add_argument("locks", nargs="*")
    given = parser.parse_args(arguments)
    answers = [of_lock(given.pip_audit, one) for one in given.locks]
    answers += [of_go(given.govulncheck, one) for one in given.go]
    print(*(line for one in answers for line in one.lines()), sep="\n")
    if any(one.faults for one in answers):
        return 1
    if any(one.unknown for one in answers):
        print("What was not checked may have known faults: ask again where there is a network.")
        return 2 if given.strict else 0
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
