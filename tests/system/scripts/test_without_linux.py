"""A script and a run work where the calls that only Linux has are missing."""

import json

import pytest

from support.script_runs import Script

WITHOUT = """
import select
for name in [one for one in dir(select) if one.lower().startswith("epoll")]:
    delattr(select, name)  # before there are selectors, which socket brings
import fcntl, os, signal, socket, time

signal.SIGINFO = signal.SIGUSR2
for module, prefixes in {
    os: ("sched_", "memfd_", "MFD_", "eventfd", "EFD_", "pidfd_", "P_PIDFD", "O_TMPFILE", "O_PATH",
         "O_NOATIME", "getxattr", "setxattr", "listxattr", "copy_file_range", "splice", "unshare",
         "posix_fadvise", "posix_fallocate", "getrandom", "GRND_", "pipe2", "waitid", "setns"),
    signal: ("SIGRT", "sigtimedwait", "sigwaitinfo", "SIGSTKFLT", "SIGPWR", "pidfd_"),
    fcntl: ("F_ADD_SEALS", "F_GET_SEALS", "F_SEAL", "F_SETPIPE", "F_GETPIPE", "F_NOTIFY"),
    socket: ("SO_PEERCRED", "SOCK_CLOEXEC", "SOCK_NONBLOCK", "TCP_USER_TIMEOUT", "TCP_KEEPIDLE"),
    time: ("CLOCK_BOOTTIME", "CLOCK_TAI"),
}.items():
    for name in [one for one in dir(module) if one.startswith(prefixes)]:
        delattr(module, name)
"""
CODE = """
import os
import torch
from batchprocess import TorchBatchProcessor, torch_batch_process

class Rows(TorchBatchProcessor):
    def __init__(self, context):
        self.context = context
        assert not hasattr(os, "sched_getaffinity")

    def process_batch(self, batch, batch_idx):
        self.context.save("rows.jsonl", {"row": batch})

if __name__ == "__main__":
    torch_batch_process(Rows, list(range(9)), batch_size=2, dataloader_kwargs={"num_workers": 2})
"""


@pytest.fixture
def elsewhere(script: Script, monkeypatch: pytest.MonkeyPatch) -> Script:
    """Each interpreter below begins without them."""
    script.write("sitecustomize.py", WITHOUT)
    script.write("inference.py", CODE)
    monkeypatch.setenv("PYTHONPATH", str(script.folder))
    return script


@pytest.mark.slow
def test_a_script_and_a_run_of_several_shards_work(elsewhere: Script) -> None:
    alone = elsewhere.new_interpreter("inference.py")
    assert alone.returncode == 0, alone.stderr
    elsewhere.job(command=["python", "inference.py"], shards=2, parallelism=2, batchSize=2)
    run = elsewhere.new_interpreter(
        "-c", "from batchprocess.cli.main import main; main()", "run", "job.yaml", "--json"
    )
    assert run.returncode == 0, run.stderr
    assert json.loads(run.stdout)["rows"] == 9
