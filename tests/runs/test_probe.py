"""A probe in a process that ends."""

from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from batchprocess.runs import probe as module
from batchprocess.storage.factory import open_storage


class Ending(ThreadPoolExecutor):
    """Starts a few threads, then answers as all executors do once the interpreter has begun to

    end.
    """

    started = 0

    def submit(self, *args: Any, **named: Any) -> Future[Any]:
        if self.started == 5:
            raise RuntimeError("cannot schedule new futures after interpreter shutdown")
        self.started += 1
        return super().submit(*args, **named)


def test_racers_that_have_started_do_not_keep_the_process(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "ThreadPoolExecutor", Ending)
    storage = open_storage(str(tmp_path / "run"))
    # Hangs, joining the five, if they wait for the others.
    with pytest.raises(RuntimeError, match="shutdown"):
        module.probe(storage, lambda: "nonce")
    assert list(storage.list()) == []
