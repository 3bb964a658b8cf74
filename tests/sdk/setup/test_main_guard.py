"""A child that `spawn` starts says what is missing in the script, and does no work."""

import multiprocessing
from typing import Any

import pytest

from batchprocess import TorchBatchProcessor, torch_batch_process, try_out
from batchprocess.protocol.errors import InvalidArgument
from support.script_runs import Script, script

__all__ = ["script"]

CODE = """
import multiprocessing, os, pathlib, sys
from batchprocess import TorchBatchProcessor, torch_batch_process

class P(TorchBatchProcessor):
    def __init__(self, context):
        pathlib.Path(f"built-{os.getpid()}").touch()
    def process_batch(self, batch, batch_idx):
        pass

def work(start_method):
    options = {"multiprocessing_context": start_method, "num_workers": 1}
    torch_batch_process(P, range(8), batch_size=4, dataloader_kwargs=options)
"""


@pytest.mark.parametrize("function", [torch_batch_process, try_out])
def test_a_call_while_a_child_reads_the_script_is_refused(
    function: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As multiprocessing marks a process that it is starting."""
    monkeypatch.setattr(multiprocessing.current_process(), "_inheriting", True, raising=False)
    with pytest.raises(InvalidArgument, match=f"^{function.__name__} was called while multip"):
        function(TorchBatchProcessor, [1])


@pytest.mark.slow
@pytest.mark.parametrize("start_method", ["spawn", "forkserver"])
def test_the_child_says_what_is_missing_and_builds_nothing(
    script: Script, start_method: str
) -> None:
    started = f"multiprocessing.get_context({start_method!r}).Process(target=print)"
    script.write("a.py", CODE + f"work('fork')\nchild = {started}\nchild.start(); child.join()")
    done = script.python("a.py")
    assert done.returncode == 0, done.stderr
    assert "torch_batch_process was called while multiprocessing (spawn, fork" in done.stderr
    assert 'put the call below `if __name__ == "__main__":`' in done.stderr
    assert len(list(script.folder.glob("built-*"))) == 1  # by the parent


@pytest.mark.slow
@pytest.mark.parametrize("start_method", ["spawn", "forkserver"])
@pytest.mark.parametrize(
    "line", ["work({})", "try:\n    work({})\nfinally: pass", "x = [work({})]"]
)
def test_a_loader_whose_workers_would_call_again_starts_none(
    script: Script, start_method: str, line: str
) -> None:
    script.write("a.py", CODE + "\n" + line.format(repr(start_method)))
    done = script.python("a.py")
    number = 1 + (CODE + "\n" + line).partition("work({")[0].count("\n")
    assert (done.returncode, done.stderr) == (
        1,
        f"loader processes that are started by {start_method!r} read {script.folder}/a.py again: "
        f'put line {number} below `if __name__ == "__main__":`, which is not true there\n',
    )
    assert not list(script.folder.glob("built-*"))


@pytest.mark.slow
@pytest.mark.parametrize(
    "line",
    [
        "if __name__ == '__main__': work('spawn')",
        "try:\n    1 / 0\nexcept Exception:\n    if __name__ == '__main__': work('spawn')",
        "__name__ == '__main__' and work('spawn')",
        "thread = __import__('threading').Thread(target=work, args=['fork']); thread.start()",
    ],
)
def test_a_call_that_they_would_not_come_upon_is_made(script: Script, line: str) -> None:
    script.write("a.py", CODE + line)
    done = script.python("a.py")
    assert done.returncode == 0, done.stderr


@pytest.mark.slow
def test_below_a_guard_children_read_and_one_that_was_spawned_may_call(script: Script) -> None:
    guarded = """
if __name__ == '__main__':
    rank = multiprocessing.get_context("spawn").Process(target=work, args=("spawn",))
    rank.start(); rank.join(); sys.exit(rank.exitcode)
"""
    script.write("a.py", CODE + guarded)
    done = script.python("a.py")
    assert done.returncode == 0, done.stderr
    assert len(list(script.folder.glob("built-*"))) == 1
