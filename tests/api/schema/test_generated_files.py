"""A file that is not what the code says is named with the remedy, and made anew."""

from pathlib import Path

import pytest

from batchprocess.api.schema.generated_files import write_or_check

FILES = {"docs/a.md": lambda: "a\n", "b.json": lambda: "{}\n", "c.yaml": lambda: "c: 1\n"}


def test_what_was_written_is_not_stale(tmp_path: Path) -> None:
    assert write_or_check(FILES, [], tmp_path, "x") == 0
    assert (tmp_path / "docs/a.md").read_text() == "a\n"
    assert write_or_check(FILES, ["--check"], tmp_path, "x") == 0


def test_a_stale_or_missing_file_is_named_with_the_command_and_not_touched(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_or_check(FILES, [], tmp_path, "x")
    (tmp_path / "docs/a.md").write_text("a\nby hand\n")
    (tmp_path / "b.json").unlink()
    assert write_or_check(FILES, ["--check"], tmp_path, "x") == 1
    assert capsys.readouterr().err.splitlines() == [
        f"{name} is not what the code says: run `make generate` and commit it"
        for name in ("docs/a.md", "b.json")
    ]
    assert (tmp_path / "docs/a.md").read_text() == "a\nby hand\n"
    assert not (tmp_path / "b.json").exists()


@pytest.mark.parametrize("arguments", [["--chek"], ["--check", "more"]])
def test_a_wrong_call_ends_with_2_and_writes_nothing(
    arguments: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert write_or_check(FILES, arguments, tmp_path, "some.module") == 2
    assert "usage: python -m some.module [--check]" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
