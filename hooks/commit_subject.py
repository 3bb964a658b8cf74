"""The hook commit-msg: a commit's subject is whole wherever commits are listed."""

import sys
from pathlib import Path

MAX_SUBJECT = 72
_WRITTEN_BY_GIT = ("Merge ", 'Revert "', 'Reapply "', "fixup! ", "squash! ", "amend! ")
_SCISSORS = "# ------------------------ >8"


def subject_of(message: str) -> str:
    """The first paragraph on one line, as git shows it; without comments and what is cut off."""
    lines = [line.rstrip() for line in message.partition(_SCISSORS)[0].splitlines()]
    kept = [line for line in lines if not line.startswith("#")]
    return " ".join("\n".join(kept).strip().partition("\n\n")[0].split("\n"))


def complaint(message: str) -> str | None:
    """What is wrong with a commit's message; None if nothing is."""
    subject = subject_of(message)
    if len(subject) <= MAX_SUBJECT or subject.startswith(_WRITTEN_BY_GIT):
        return None
    return (
        f"the subject has {len(subject)} characters, {MAX_SUBJECT} are allowed (the body begins "
        f"after an empty line): {subject}"
    )


if __name__ == "__main__":
    sys.exit(complaint(Path(sys.argv[1]).read_text(encoding="utf-8")))
