"""Generated files follow from the models, and a stale one is named with the remedy."""

from pathlib import Path

import pytest

from batchprocess.api.schema.generate import FILES, main, stale

ROOT = Path(__file__).parents[3]


def test_the_files_in_the_repository_are_what_the_models_say():
    assert stale(ROOT) == []


def test_a_stale_or_missing_file_is_named_with_the_command(tmp_path: Path, capsys):
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    old, gone = list(FILES)[:2]
    (tmp_path / old).write_text((tmp_path / old).read_text() + "# edited by hand\n")
    (tmp_path / gone).unlink()
    assert main(["--check"], tmp_path) == 1
    said = capsys.readouterr().err.splitlines()
    assert said == [
        f"{name} is not what the models say: run `make generate` and commit it"
        for name in (old, gone)
    ]


@pytest.mark.parametrize("arguments", [["--chek"], ["--check", "more"]])
def test_a_wrong_call_ends_with_2(arguments: list[str], tmp_path: Path, capsys):
    assert main(arguments, tmp_path) == 2
    assert "usage" in capsys.readouterr().err
