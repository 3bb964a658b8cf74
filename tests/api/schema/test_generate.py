"""Generated files follow from the models."""

from pathlib import Path

from batchprocess.api.schema.generate import FILES, main

ROOT = Path(__file__).parents[3]


def test_the_files_in_the_repository_are_what_the_models_say():
    assert main(["--check"], ROOT) == 0


def test_all_of_them_are_written(tmp_path: Path):
    assert main([], tmp_path) == 0
    assert main(["--check"], tmp_path) == 0
    written = {str(one.relative_to(tmp_path)) for one in tmp_path.rglob("*") if one.is_file()}
    assert written == FILES.keys()
