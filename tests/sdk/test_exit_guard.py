"""A process that has nothing left to do but wait ends, with the code that it was to have."""

import subprocess
import sys

import pytest

pytestmark = pytest.mark.slow

HANGS = """
import atexit, multiprocessing, os, pathlib, sys, threading, time
from batchprocess.sdk.exit_guard import end_soon_after_script, end_soon_after_worker
def stay(*_):
    time.sleep(600)
def guard(code):
    end_soon_after_script(
        code, at_end=lambda: print("at the end", flush=True), tidy=lambda: print("tidy")
    )
"""
THREAD = "threading.Thread(target=stay, name='uploads').start()\n"


def run(code: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-c", HANGS + code],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


@pytest.mark.parametrize(
    ("then", "code"),
    [
        ("guard(0)", 0),
        ("guard(85)", 85),
        ("guard(0)\nsys.exit(3)", 3),
        ("guard(0)\nsys.exit('what is wrong')", 1),
        ("guard(1)\nsys.exit()", 0),
        ("guard(0)\n[][1]", 1),
        ("guard(1)\nguard(0)", 0),
    ],
)
def test_a_thread_that_stays_is_named_and_the_code_is_kept(then: str, code: int) -> None:
    ended = run(THREAD + then)
    assert ended.returncode == code
    assert "the script has ended, thread 'uploads' has not" in ended.stderr
    assert ended.stdout == "at the end\ntidy\n"


def test_a_thread_of_ours_is_not_told_of() -> None:
    ours = THREAD.replace("uploads", "batchprocess-cudnn")
    assert run(ours + "guard(85)").stderr == ""
    both = run(THREAD + ours + "guard(85)")
    assert (both.returncode, "thread 'uploads' has not" in both.stderr) == (85, True)


@pytest.mark.parametrize(
    "left",
    [
        "atexit.register(stay)",
        "multiprocessing.get_context('fork').Process(target=stay, daemon=True).start()\n"
        "atexit.register(stay)",
    ],
)
def test_exit_handlers_and_processes_hold_nobody(left: str) -> None:
    ended = run(f"{left}\nguard(0)")
    assert ended.returncode == 0
    assert "an exit handler or a process of its has not" in ended.stderr


def test_a_process_that_ends_by_itself_is_left_to_it() -> None:
    ended = run("threading.Thread(target=time.sleep, args=(1,)).start()\nguard(0)\nsys.exit(7)")
    assert (ended.returncode, ended.stdout, ended.stderr) == (7, "at the end\n", "")


def test_a_forked_process_is_not_told_for_ours() -> None:
    ended = run("guard(0)\nif os.fork() == 0: sys.exit(0)\nos.wait()")
    assert (ended.returncode, ended.stdout) == (0, "at the end\n")


def test_a_loader_worker_ends_whatever_it_has_left() -> None:
    ended = run("""
def work():
    import signal
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    end_soon_after_worker()
    threading.Thread(target=stay).start()
process = multiprocessing.get_context("fork").Process(target=work)
process.start()
process.join()
sys.exit(process.exitcode)
""")
    assert (ended.returncode, ended.stderr) == (0, "")
