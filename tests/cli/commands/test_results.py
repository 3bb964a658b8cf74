"""`batchprocess results`: addresses, downloads, and what cannot be downloaded."""

from dataclasses import replace
from pathlib import Path

import pytest

from batchprocess import results
from batchprocess.cli.commands.results import save
from batchprocess.protocol.errors import InvalidArgument, VerificationError
from batchprocess.protocol.records import CommittedFile, digest
from batchprocess.runs.results import Result
from batchprocess.storage.base import Storage
from batchprocess.storage.local import LocalStorage
from support.commands import Command
from support.storage.made_run import data_key, record
from support.storage.spelling import show_as_written


def test_results_are_listed_in_dataset_order_and_downloaded(
    going: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    said = batchprocess("results", going.uri, "--json", "--download", tmp_path / "to")
    assert [one["rows"] for one in said.json["files"]] == [[0, 2], [2, 4], [4, 6], [6, 8]]
    for one in said.json["files"]:
        place = f"{one['shard']:05d}/{one['seq']:08d}/{one['name']}"
        assert (tmp_path / "to" / place).is_file()
    files = sorted((tmp_path / "to").rglob("*"))
    text = "".join(path.read_text() for path in files if path.is_file())
    assert text.split() == [str(row) for row in range(8)]
    assert "".join(one.read().decode() for one in results(going.uri)) == text
    assert len(batchprocess("results", going.uri).out.splitlines()) == 4


def test_results_say_what_cannot_be_downloaded(
    run: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    (tmp_path / "file").touch()
    said = batchprocess("results", run.uri, "--download", tmp_path / "file" / "x")
    assert said.code == 91
    assert "cannot be written: Not a directory" in said.err
    run.put(data_key(run), b"0\n9\n")
    said = batchprocess("results", run.uri, "--download", tmp_path / "to")
    assert said.code == 93
    assert "was changed: its digest is not the one in the ledger" in said.err
    assert not list((tmp_path / "to" / "00000" / "00000002").iterdir())
    assert not list((tmp_path / "to").rglob(".partial-*"))
    run.delete(data_key(run))
    said = batchprocess("results", run.uri, "--download", tmp_path / "to")
    assert said.code == 93
    assert "is missing; see batchprocess verify" in said.err


def test_a_name_that_was_tampered_with_cannot_leave_the_folder(
    run: Storage, batchprocess: Command, tmp_path: Path
) -> None:
    changed = run.get(record(2)).replace(b'"rows.txt"', b'"../../../x"')
    run.put(record(2), changed)
    said = batchprocess("results", run.uri, "--download", tmp_path / "to" / "here")
    assert said.code == 93
    assert "'../../../x' would leave" in said.err
    assert not (tmp_path / "x").exists()


def test_a_name_of_255_bytes_and_one_like_a_temporary_are_downloaded(
    batchprocess: Command, tmp_path: Path
) -> None:
    storage = LocalStorage(tmp_path / "run")
    for name in ("n" * 255, "n.partial", "n"):
        storage.put(f"data/{name}", name.encode())
        file = CommittedFile(
            name=name, key=f"data/{name}", size=len(name), sha256=digest(name.encode())
        )
        got = save(Result(0, 2, (0, 1), (0, 1), file, storage), tmp_path / "to")
        assert got.read_bytes() == name.encode()
    assert len(list((tmp_path / "to" / "00000" / "00000002").iterdir())) == 3


def test_a_download_does_not_overwrite_a_file_whose_name_its_folder_takes_for_the_same(
    run: Storage, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = next(results(run.uri))
    copied = save(first, tmp_path)
    (copied.parent / "ROWS.txt").hardlink_to(copied)
    show_as_written(monkeypatch, "ROWS.txt")
    other = first.file.model_copy(update={"name": "ROWS.txt"})
    with pytest.raises(InvalidArgument, match=r"ROWS.txt and .*rows.txt are one file there"):
        save(replace(first, file=other), tmp_path)
    assert [path.name for path in copied.parent.iterdir()] == ["rows.txt"]


def test_results_list_addresses_and_miss_no_record_of_a_complete_run(
    run: Storage, job_folder: Storage, batchprocess: Command
) -> None:
    for line in batchprocess("results", run.uri).out.splitlines():
        assert line.split()[-1].startswith(f"{run.uri}/data/")
    assert [one.rows for one in results(job_folder.uri)][-1] == (8, 10)
    run.delete(record(4))
    said = batchprocess("results", run.uri)
    assert said.code == 93
    assert "the ledger of shard 0 ends at record 3 without a seal" in said.err
    with pytest.raises(VerificationError):
        list(results(run.uri))
