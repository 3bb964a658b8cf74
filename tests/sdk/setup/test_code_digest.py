"""Changed code is told from the same code in another place."""

from pathlib import Path
from types import ModuleType

from batchprocess.sdk.setup.code_digest import code_digest


def modules(*files: Path | None) -> dict[str, ModuleType]:
    made = {}
    for number, file in enumerate(files):
        made[f"m{number}"] = module = ModuleType(f"m{number}")
        if file is not None:
            module.__file__ = str(file)
    return made


def written(folder: Path, **texts: str) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    files = [folder / f"{name}.py" for name in texts]
    for file, text in zip(files, texts.values(), strict=True):
        file.write_text(text)
    return files


def test_the_same_files_have_one_digest_in_any_place_and_order(tmp_path: Path) -> None:
    here = written(tmp_path / "here", a="1", b="2")
    there = written(tmp_path / "there", b="2", a="1")
    first = code_digest(modules(*here), tmp_path / "here")
    assert first is not None
    others = (None, Path("_ops.py"), here[0])
    assert first == code_digest(modules(*there, *others), tmp_path / "there")
    assert first != code_digest(modules(*written(tmp_path / "c", a="1", b="3")), tmp_path / "c")
    assert first != code_digest(modules(*written(tmp_path / "d", a="1", c="2")), tmp_path / "d")
    assert first != code_digest(modules(*written(tmp_path / "e", a="12", b="")), tmp_path / "e")


def test_what_is_installed_does_not_count(tmp_path: Path) -> None:
    installed = written(tmp_path / ".venv" / "site-packages", a="1")
    assert code_digest(modules(*installed), tmp_path) is None


def test_a_folder_of_everything_and_a_file_that_is_gone_have_none(tmp_path: Path) -> None:
    many = written(tmp_path, **{f"m{n}": "" for n in range(1_001)})
    assert code_digest(modules(*many), tmp_path) is None
    assert code_digest(modules(*many[:1_000]), tmp_path) is not None
    many[0].unlink()
    assert code_digest(modules(many[0]), tmp_path) is None
    (large,) = written(tmp_path, large="#" * (17 << 20))
    assert code_digest(modules(large), tmp_path) is None
