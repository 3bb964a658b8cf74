"""Commit subjects of at most 72 characters, and the hook that asks for them."""

import shlex
import subprocess
from pathlib import Path

import pytest
import yaml

from hooks.commit_subject import MAX_SUBJECT, complaint

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "message",
    [
        "x" * 72,
        "ü" * 72,
        "x" * 72 + "\n\n" + "y" * 200,
        "# " + "a comment of git " * 10 + "\n\n" + "x" * 72 + "\n# " + "y" * 200,
        "x" * 72 + "\n# ------------------------ >8 ------------------------\n" + "d" * 200,
        "Merge branch 'a' into " + "x" * 72,
        f'Revert "{"x" * 72}"',
        "fixup! " + "x" * 72,
        "",
    ],
)
def test_a_subject_of_72_characters_is_accepted_whatever_stands_around_it(message: str) -> None:
    assert complaint(message) is None


@pytest.mark.parametrize(
    "message",
    [
        "x" * 73,
        "\n\n" + "x" * 73 + "\n\nbody",
        "# comment\n" + "x" * 73,
        "x" * 60 + "\n" + "y" * 12,  # git takes both lines for the subject: no empty line is there
        "Merged " + "x" * 66,
    ],
)
def test_a_subject_of_73_is_refused_with_its_length(message: str) -> None:
    assert str(complaint(message)).startswith("the subject has 73 characters, 72 are allowed")


@pytest.mark.slow
def test_the_hook_is_installed_for_messages_and_refuses_by_its_exit_code(tmp_path: Path) -> None:
    config = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert config["default_install_hook_types"] == ["pre-commit", "commit-msg"]
    (hook,) = (one for repo in config["repos"] for one in repo["hooks"] if "stages" in one)
    assert hook["stages"] == ["commit-msg"]
    for length, code in ((72, 0), (73, 1)):
        message = tmp_path / "COMMIT_EDITMSG"
        message.write_text("x" * length + "\n")
        done = subprocess.run(
            [*shlex.split(hook["entry"]), message],
            cwd=ROOT,
            capture_output=True,
            text=True,
            check=False,
        )
        assert (done.returncode, "73 characters" in done.stderr) == (code, bool(code))


def test_contributing_says_so() -> None:
    assert f"at most {MAX_SUBJECT} characters" in (ROOT / "CONTRIBUTING.md").read_text()
