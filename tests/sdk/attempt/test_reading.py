"""What starting to read has found is not looked for again."""

import pytest

from batchprocess.data.index.progress import tell_nobody
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import StorageUnavailable
from batchprocess.sdk.attempt.reading import Reading


class Unreachable:
    """Its length is in a storage that does not answer; `asked` counts."""

    asked = 0

    def __len__(self) -> int:
        self.asked += 1
        raise StorageUnavailable("storage has failed for 30 s")

    def __getitem__(self, row: int) -> int:
        return row


def test_a_storage_that_did_not_answer_is_not_waited_for_again() -> None:
    dataset = Unreachable()
    job = WorkerEnvironment(job="j", job_name="a", run_uri="/runs/a", shards=1)
    reading = Reading(dataset, {}, job)
    reading.start_processes(None, tell_nobody)
    with pytest.raises(StorageUnavailable, match="30 s"):
        reading.refuse_known()
    assert dataset.asked == 1
