"""What a child is told of the source that it is started with."""

from pathlib import Path

from batchprocess.agent.source_variables import source_variables
from batchprocess.files_digest import folder_digest
from batchprocess.protocol.environment import WorkerEnvironment

ENVIRONMENT = WorkerEnvironment(job="20260101T000000Z-x", job_name="j", run_uri="/r", shards=1)


def of(folder: Path) -> WorkerEnvironment:
    return ENVIRONMENT.model_copy(update={"source_folder": str(folder)})


def test_a_child_is_told_the_digest_of_the_folder(tmp_path: Path) -> None:
    (tmp_path / "inference.py").write_text("1")
    told = source_variables(of(tmp_path))
    assert told == {"BATCHPROCESS_SOURCE_DIGEST": folder_digest(tmp_path)}
    environ = ENVIRONMENT.to_env() | told
    assert WorkerEnvironment.from_env(environ).source_digest == folder_digest(tmp_path)


def test_without_a_source_or_without_its_files_nothing_is_told(tmp_path: Path) -> None:
    assert source_variables(ENVIRONMENT) == {}
    assert source_variables(of(tmp_path / "nowhere")) == {}
