"""Every way a worker may end: its code, its one sentence, and the termination message."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from support.pod_runs import Pod

pytestmark = pytest.mark.slow

ALL_ROWS = [float(row) for row in range(40)]


def hooked(hook: str, body: str, arguments: str = "self") -> str:
    return f"""
class Broken(Base):
    def {hook}({arguments}):
        {body}
go(Broken)
"""


PASS_ON = "super().process_batch(batch, batch_idx)"
IN_BATCH = "self, batch, batch_idx"
FAULTS = {
    "exception in __init__": (
        hooked("__init__", "raise KeyError('weights')", "self, context"),
        91,
        "__init__ raised KeyError: 'weights'",
    ),
    "exception in process_batch": (
        hooked("process_batch", f"assert batch_idx < 3, 'bad row'; {PASS_ON}", IN_BATCH),
        90,
        "process_batch raised AssertionError: bad row (batch 3 of shard 0, rows 12 to 15)",
    ),
    "exception in on_checkpoint_start": (
        hooked("on_checkpoint_start", "raise RuntimeError('no')"),
        90,
        "on_checkpoint_start raised RuntimeError: no",
    ),
    "exception in on_finish": (
        hooked("on_finish", "raise RuntimeError('no')"),
        90,
        "on_finish raised RuntimeError: no",
    ),
    "exception in a dataset item": (
        """
class Bad(Rows):
    def __getitem__(self, row):
        if row == 21:
            raise ValueError("row 21 is broken")
        return float(row)
go(dataset=Bad())
""",
        90,
        "reading a batch raised ValueError: row 21 is broken (batch 5 of shard 0",
    ),
    "exception in a row that the fingerprint reads": (
        """
class Bad(Rows):
    def __getitem__(self, row):
        if row == 22:
            raise ValueError("row 22 is broken")
        return float(row)
go(dataset=Bad())
""",
        90,
        "reading a batch raised ValueError: row 22 is broken (batch 5 of shard 0, row 22)",
    ),
    "exception in a loader process": (
        """
class Bad(Rows):
    def __getitem__(self, row):
        if row == 21:
            raise ValueError("row 21 is broken")
        return float(row)
go(dataset=Bad(), dataloader_kwargs={"num_workers": 1})
""",
        90,
        "raised ValueError: row 21 is broken (in a loader process) (batch 5 of shard 0, row 21)",
    ),
    "sys.exit() in a loader process": (
        """
class Bad(Rows):
    def __getitem__(self, row):
        return float(row) if row != 21 else sys.exit(4)
go(dataset=Bad(), dataloader_kwargs={"num_workers": 2})
""",
        90,
        "raised SystemExit: 4 (in a loader process) (batch 5 of shard 0, row 21)",
    ),
    "an image that is no image": (
        """
from PIL import Image
class Bad(Rows):
    def __getitem__(self, row):
        if row == 21:
            pathlib.Path("21.jpg").write_text("no image")
            Image.open("21.jpg")
        return float(row)
go(dataset=Bad(), dataloader_kwargs={"num_workers": 1})
""",
        90,
        "raised UnidentifiedImageError: cannot identify image file",
    ),
    "an exception of several lines": (
        hooked("process_batch", "raise ValueError('first line\\n\\nsecond line')", IN_BATCH),
        90,
        "process_batch raised ValueError: first line / second line (batch 0 of shard 0, rows 0 to",
    ),
    "sys.exit(0)": (
        hooked("process_batch", "sys.exit(0)", IN_BATCH),
        90,
        "process_batch raised SystemExit: 0 (batch 0 of shard 0, rows 0 to 3)",
    ),
    "os._exit(0)": (
        hooked("process_batch", "os._exit(0)", IN_BATCH),
        90,
        "ended with exit code 0 without sealing shard 0, in batch 0 or soon after: user code has",
    ),
    "an interrupt of user code": (
        hooked("process_batch", "raise KeyboardInterrupt", IN_BATCH),
        90,
        "process_batch raised KeyboardInterrupt (batch 0 of shard 0, rows 0 to 3)",
    ),
    "sys.exit() in __init__": (
        hooked("__init__", "sys.exit()", "self, context"),
        91,
        "__init__ raised SystemExit (shard 0)",
    ),
    "segfault": (
        hooked("process_batch", "ctypes.string_at(0)", IN_BATCH),
        139,
        "killed by SIGSEGV",
    ),
    "kill -9": (
        hooked("process_batch", "os.kill(os.getpid(), 9)", IN_BATCH),
        137,
        "out of memory?",
    ),
    "memory limit": (
        hooked("process_batch", "raise MemoryError('4 GiB')", IN_BATCH),
        1,
        "MemoryError",
    ),
    "disk full": (
        hooked("process_batch", "raise OSError(28, 'No space left on device')", IN_BATCH),
        1,
        "No space left on device",
    ),
    "no call at all": ("print('hello')", 1, "does it call torch_batch_process?"),
    "dataset of length 0": ("go(dataset=Rows(0))", 91, "Rows has 0 rows"),
    "iterator as dataset": ("go(dataset=iter([1]))", 91, "cannot be read row by row"),
    "unknown loader option": (
        "go(dataloader_kwargs={'num_worker': 2})",
        91,
        "dataloader_kwargs has no 'num_worker': what may be given is batch_size",
    ),
    "no processor class": ("go(processor=dict)", 91, "no subclass of TorchBatchProcessor"),
    "no process_batch": (
        "class Broken(TorchBatchProcessor):\n    def __init__(self, context): pass\ngo(Broken)",
        91,
        "the processor Broken lacks process_batch(self, batch, batch_idx): define it there",
    ),
    "class and dataset swapped": ("go(Rows(), Base)", 91, "and the processor Base second: give"),
    "shuffle": ("go(dataloader_kwargs={'shuffle': True})", 91, "shuffle=True: leave it out"),
    "drop_last": ("go(dataloader_kwargs={'drop_last': True})", 91, "it would lose the rows"),
    "batch size in call and job": ("go(batch_size=5)", 91, "batch_size is 5 in the call"),
}


@pytest.mark.parametrize("name", FAULTS)
def test_a_fault_has_its_code_and_sentence(pod: Pod, name: str) -> None:
    script, code, sentence = FAULTS[name]
    ended = pod.run(script, batch_size=4)
    assert (ended.code, ended.message["code"]) == (code, code), ended.stderr
    assert sentence in ended.message["message"]
    assert ended.last_line == ended.message["message"]


# By way of another program: agent and script are new interpreters then.
@pytest.mark.parametrize("around", [(), ("env",)])
def test_a_good_script_seals_and_says_so(pod: Pod, around: tuple[str, ...]) -> None:
    ended = pod.end(pod.start("go()", around=around))
    assert (ended.code, ended.last_line) == (0, "shard 0 is complete")
    assert ended.message["shards"] == [
        {"shard": 0, "cursor": 10, "total": 10, "sealed": True, "seq": 7}
    ]
    assert pod.rows() == ALL_ROWS


def test_a_fault_after_which_a_good_attempt_comes_leaves_no_trace(pod: Pod) -> None:
    assert pod.run(FAULTS["exception in process_batch"][0]).code == 90
    assert pod.run(hooked("on_checkpoint_start", "os._exit(3)")).code == 90
    assert pod.run("class Broken(Base): pass\ngo(Broken)").code == 0
    assert pod.rows() == ALL_ROWS


def test_what_is_wrong_for_good_at_first_may_be_this_machine_alone_later(pod: Pod) -> None:
    assert pod.run(FAULTS["exception in process_batch"][0]).code == 90
    for call in ("dataset=Rows(0)", "dataset=iter([1])", "processor=dict"):
        assert pod.run(f"go({call})").code == 1
    assert pod.run("class Broken(Base): pass\ngo(Broken)").code == 0


def test_a_ledger_that_contradicts_itself_is_named(pod: Pod) -> None:
    """The child's 93 is none of a worker pod's codes, and its sentence must not go with it."""
    pod.run("go(type('Dies', (Base,), {'on_finish': lambda self: os._exit(3)}))")
    last = max((pod.folder / "run/ledger/00000").iterdir())
    last.write_text("{}")
    ended = pod.run("go()")
    assert ended.code == 1
    assert last.name in ended.last_line


def test_a_crash_after_the_seal_counts_as_sealed(pod: Pod) -> None:
    assert pod.run("go()\nctypes.string_at(0)").code == 0


def test_a_sealed_shard_ends_at_once_without_its_model(pod: Pod) -> None:
    assert pod.run("go()").code == 0
    ended = pod.run("time.sleep(60)\nraise SystemExit('the model was loaded')")
    assert (ended.code, ended.last_line) == (0, "shard 0 is complete")


def test_an_endless_loop_is_ended_with_its_stacks(pod: Pod) -> None:
    ended = pod.run(hooked("process_batch", "time.sleep(1000)", IN_BATCH), start_seconds=8)
    assert ended.code == 86
    assert "in process_batch" in ended.stderr
    assert "stood still for too long before its first batch" in ended.last_line
    assert "(timeouts.startSeconds = 8: raise it if" in ended.last_line


def test_a_hang_that_holds_the_interpreter_is_ended(pod: Pod) -> None:
    body = "ctypes.PyDLL(None).sleep(1000) if batch_idx else None"
    ended = pod.run(hooked("process_batch", body, IN_BATCH), stall_seconds=4)
    assert ended.code == 86
    assert "in process_batch" in ended.stderr
    assert "(timeouts.stallSeconds = 4: raise it if" in ended.last_line


SLOWLY = "time.sleep(0.5); super().process_batch(batch, batch_idx)"


@pytest.mark.parametrize("asleep", ["agent", "agent and child"])
def test_an_agent_that_was_asleep_blames_no_child(pod: Pod, asleep: str) -> None:
    """By a debugger, a suspended VM, a frozen cgroup; with a limit that has passed meanwhile."""
    body = f"pathlib.Path('pid').write_text(str(os.getpid())); {SLOWLY}"
    process = pod.start(hooked("process_batch", body, IN_BATCH), stall_seconds=4)
    pod.wait_for(lambda: '"cursor":2' in (pod.folder / "message").read_text())
    child = [int((pod.folder / "pid").read_text())] if asleep == "agent and child" else []
    for number in (signal.SIGSTOP, signal.SIGCONT):
        for pid in (process.pid, *child):
            os.kill(pid, number)
        time.sleep(7 if number == signal.SIGSTOP else 0)
    ended = pod.end(process)
    assert ended.code == 0, ended.stderr
    assert pod.rows() == ALL_ROWS


def test_a_stop_during_batches_commits_and_the_next_attempt_goes_on(pod: Pod) -> None:
    slow = hooked(
        "process_batch", "time.sleep(0.3); super().process_batch(batch, batch_idx)", IN_BATCH
    )
    process = pod.start(slow)
    pod.wait_for(lambda: '"cursor":2' in (pod.folder / "message").read_text())
    stopped = pod.stop(process)
    assert stopped.code == 85
    cursor = stopped.message["shards"][0]["cursor"]
    assert 2 <= cursor < 10
    assert pod.run("class Broken(Base): pass\ngo(Broken)").code == 0
    assert pod.rows() == ALL_ROWS


def test_a_hang_up_is_a_stop(pod: Pod) -> None:
    process = pod.start(hooked("process_batch", SLOWLY, IN_BATCH))
    pod.wait_for(lambda: '"cursor":2' in (pod.folder / "message").read_text())
    process.send_signal(signal.SIGHUP)
    process.send_signal(signal.SIGHUP)
    assert pod.end(process).code == 85
    assert pod.run("class Broken(Base): pass\ngo(Broken)").code == 0
    assert pod.rows() == ALL_ROWS


def test_a_stop_while_the_model_loads_ends_at_once(pod: Pod) -> None:
    process = pod.start(hooked("__init__", "time.sleep(600)", "self, context"))
    time.sleep(4)
    began = time.monotonic()
    assert pod.stop(process).code == 85
    assert time.monotonic() - began < 30


def test_too_short_a_grace_ends_without_a_commit(pod: Pod) -> None:
    body = "open('begun', 'w').close(); time.sleep(600) if batch_idx == 3 else None"
    process = pod.start(hooked("process_batch", body, IN_BATCH), grace_seconds=4)
    pod.wait_for(lambda: '"cursor":2' in (pod.folder / "message").read_text())
    assert pod.stop(process).code == 85


def is_running(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except (FileNotFoundError, ProcessLookupError):
        return False


def test_children_do_not_outlive_a_killed_agent(pod: Pod) -> None:
    body = "pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(600)"
    process = pod.start(hooked("process_batch", body, IN_BATCH))
    pod.wait_for(lambda: (pod.folder / "pid").exists() and (pod.folder / "pid").read_text() != "")
    child = int((pod.folder / "pid").read_text())
    process.send_signal(signal.SIGKILL)
    process.communicate(timeout=20)

    pod.wait_for(lambda: not is_running(child), 20)


def test_agents_end_with_their_children_when_their_runner_is_killed(pod: Pod) -> None:
    body = "pathlib.Path('pid').write_text(str(os.getpid())); time.sleep(600)"
    reader, writer = os.pipe()
    process = pod.start(
        hooked("process_batch", body, IN_BATCH), pass_fds=[writer], progress_fd=writer
    )
    os.close(writer)
    pod.wait_for(lambda: (pod.folder / "pid").exists() and (pod.folder / "pid").read_text() != "")
    child = int((pod.folder / "pid").read_text())
    assert is_running(child)
    os.close(reader)
    ended = pod.end(process)
    assert (ended.code, ended.message["code"]) == (1, 1)
    assert "whoever reads BATCHPROCESS_PROGRESS_FD is gone" in ended.last_line
    pod.wait_for(lambda: not is_running(child), 20)


def test_a_termination_message_that_cannot_be_written_ends_nothing(pod: Pod) -> None:
    ended = pod.run("go()", termination_log="/dev/full")
    assert ended.code == 0, ended.stderr
    assert ended.stderr.count("no termination message was written: [Errno 28]") == 1
    assert pod.rows() == ALL_ROWS


def test_a_shell_around_the_command_changes_nothing(pod: Pod) -> None:
    ended = pod.run("go()", command=["bash", "-c", "true && python3 script.py; exit 7"])
    assert ended.code in (0, 1)
    again = pod.run("go()", command=["bash", "-c", f"{sys.executable} script.py"])
    assert again.code == 0
    assert pod.rows() == ALL_ROWS


def test_a_command_that_does_not_exist_is_named(pod: Pod) -> None:
    ended = pod.run("go()", command=["no-such-program"])
    assert (ended.code, "'no-such-program' cannot be started" in ended.last_line) == (91, True)


def test_a_script_that_does_not_exist_is_named_where_a_condition_shows_it(pod: Pod) -> None:
    ended = pod.run("go()", command=["python", "-u", "inference.py"])
    assert ended.code == 91
    assert ended.message["message"].endswith(
        f"before it called torch_batch_process: {pod.folder}/inference.py does not exist"
    )


@pytest.mark.parametrize(
    ("second", "code", "sentence"),
    [
        ("go(batch_size=5)", 91, "batchSize is 5, but this run was started with 4"),
        ("go(dataset=Rows(39))", 1, "39 rows here, but the run was started with 40"),
        (
            "class Turned(Rows):\n    def __getitem__(self, row):\n        return float(-row)\n"
            "go(dataset=Turned())",
            1,
            "fingerprint",
        ),
    ],
)
def test_a_dataset_cut_otherwise_is_refused(
    pod: Pod, second: str, code: int, sentence: str
) -> None:
    assert pod.run(FAULTS["exception in on_finish"][0].replace("Broken", "Base2")).code == 90
    first = second.replace("go(", "class Base2(Base): pass\ngo(Base2, ")
    ended = pod.run(first)
    assert ended.code == code, ended.stderr
    assert sentence in ended.last_line


def test_two_children_of_a_pod_seal_two_shards(pod: Pod) -> None:
    ended = pod.run("go()", shards=2, processes_per_worker=2)
    assert ended.code == 0
    assert [shard["sealed"] for shard in ended.message["shards"]] == [True, True]
    assert pod.rows() == ALL_ROWS


SECOND_FAILS = """
import pathlib
class One(Base):
    def process_batch(self, batch, batch_idx):
        if self.context.get_distributed_rank() == 1:
            FAULT
        time.sleep(DELAY)
        super().process_batch(batch, batch_idx)
go(One)
"""


def test_an_error_of_user_code_leaves_the_sibling_running_to_its_seal(pod: Pod) -> None:
    script = SECOND_FAILS.replace("FAULT", "raise ValueError('no')").replace("DELAY", "0.5")
    ended = pod.run(script, shards=2, processes_per_worker=2)
    assert ended.code == 90, ended.stderr
    assert [shard["sealed"] for shard in ended.message["shards"]] == [True, False]


def test_a_killed_child_asks_its_sibling_to_commit_and_stop(pod: Pod) -> None:
    # The first child is past its first batch by then: before that it would be killed at once.
    wait = "while not pathlib.Path('begun').exists(): time.sleep(0.05)\n"
    fault = f"{wait}            os.kill(os.getpid(), 9)"
    script = SECOND_FAILS.replace("FAULT", fault).replace(
        "time.sleep(DELAY)", "time.sleep(1); pathlib.Path('begun').touch()"
    )
    ended = pod.run(script, shards=2, processes_per_worker=2)
    assert ended.code == 137, ended.stderr
    first, second = ended.message["shards"]
    assert 1 <= first["cursor"] < 5
    assert (first["sealed"], second["cursor"]) == (False, 0)


def test_a_forked_child_that_ends_takes_nothing_along(pod: Pod) -> None:
    fork = "if os.fork() == 0: sys.exit(7)\n        time.sleep(0.3)"
    error = fork.replace("sys.exit(7)", "raise ValueError('in a twin')")
    both = f"{fork}\n        {error}\n        super().process_batch(batch, batch_idx)"
    ended = pod.run(hooked("process_batch", both, IN_BATCH))
    assert ended.code == 0, ended.stderr
    assert pod.rows() == ALL_ROWS


def test_what_the_command_left_running_is_ended_with_it(pod: Pod) -> None:
    leave = "import subprocess; p = subprocess.Popen(['sleep', '600']); "
    ended = pod.run(f"{leave}pathlib.Path('left').write_text(str(p.pid)); go()")
    assert ended.code == 0
    pod.wait_for(lambda: not is_running(int((pod.folder / "left").read_text())), 20)


ADOPTS = (
    "import ctypes, os, sys; ctypes.CDLL(None).prctl(36, 1, 0, 0, 0); "
    "os.execv(sys.argv[1], sys.argv[1:])"
)
"""As PID 1 does by birth: what others leave behind becomes its child."""


def test_orphans_of_user_code_are_buried_by_the_agent(pod: Pod) -> None:
    body = """
        if os.fork() == 0:
            if os.fork() == 0:
                pathlib.Path(f"orphan-{batch_idx}").write_text(str(os.getpid()))
            os._exit(0)
        os.wait()
        time.sleep(0.5)
        super().process_batch(batch, batch_idx)"""
    process = pod.start(
        hooked("process_batch", body, IN_BATCH), around=(sys.executable, "-c", ADOPTS)
    )
    pod.wait_for((pod.folder / "orphan-3").exists)
    early = [pod.folder / f"orphan-{number}" for number in range(3)]
    pids = [int(path.read_text()) for path in early]
    pod.wait_for(lambda: not any(Path(f"/proc/{pid}").exists() for pid in pids), 20)
    assert process.poll() is None
    assert pod.end(process).code == 0
    assert pod.rows() == ALL_ROWS


LEFT = {
    "a thread": "threading.Thread(target=time.sleep, args=(600,)).start()",
    "a thread of a pool": "concurrent.futures.ThreadPoolExecutor(1).submit(time.sleep, 600)",
    "an exit handler": "atexit.register(time.sleep, 600)",
    "the interpreter's own teardown": (
        "class Stays:\n"
        "    def __del__(self, sleep=time.sleep):\n"
        "        sleep(600)\n"
        "stays = Stays()"
    ),
}


@pytest.mark.parametrize("left", LEFT)
@pytest.mark.parametrize(("hook", "code"), [("on_finish", 0), ("process_batch", 90)])
def test_what_is_left_of_a_script_does_not_hold_its_shard(
    pod: Pod, left: str, hook: str, code: int
) -> None:
    fails = hooked(hook, "raise ValueError('a bad row')", "self, *_") if code else "go()"
    script = f"import atexit, concurrent.futures, threading\n{LEFT[left]}\n{fails}"
    # As a program of its own: the interpreter's end is the matter.
    ended = pod.end(pod.start(script, around=("env",)))
    assert ended.code == code, ended.stderr
    assert ("a bad row" in ended.last_line) == bool(code)
    assert ended.message["shards"][0]["sealed"] == (not code)


def test_two_attempts_on_one_shard_leave_one_output(pod: Pod) -> None:
    there, work = "pathlib.Path('second')", "super().process_batch(batch, batch_idx)"
    wait = f"while batch_idx > 2 and not {there}.exists(): time.sleep(0.05)\n        {work}"
    first = pod.start(hooked("process_batch", wait, IN_BATCH))
    pod.wait_for(lambda: '"cursor":2' in (pod.folder / "message").read_text())
    second = pod.start(
        hooked("process_batch", f"{there}.touch(); time.sleep(0.5); {work}", IN_BATCH)
    )
    codes = {pod.end(first).code, pod.end(second).code}
    assert codes == {0, 91}
    assert pod.rows() == ALL_ROWS


def test_the_agent_imports_neither_torch_nor_boto3() -> None:
    code = (
        "import sys, batchprocess.agent.pod.agent, batchprocess.agent.finalizer\n"
        "print(sorted({'torch', 'boto3', 'numpy'} & set(sys.modules)))"
    )
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
