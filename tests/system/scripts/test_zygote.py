"""A process that a zygote made is what a real one is, as far as tests look at it."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from support.zygote.processes import forked

pytestmark = pytest.mark.slow

PROGRAMS = {
    "an end": "print('out'); print('err', file=sys.stderr)",
    "a status": "sys.exit(3)",
    "a sentence": "sys.exit('no licence')",
    "an exception": "def inner(): raise ValueError('no')\ninner()",
    "an interrupt": "raise KeyboardInterrupt",
    "a signal": "os.kill(os.getpid(), signal.SIGTERM)",
    "a crash": "import ctypes; ctypes.string_at(0)",
    "what runs at exit": "import atexit; atexit.register(print, 'bye'); print('first')",
    "a thread left": "threading.Thread(target=lambda: (time.sleep(0.1), print('late'))).start()",
    "a standard output that is closed": "os.close(1); print('x')",
    "arguments": "print(sys.argv, __name__, __file__, sys.modules['__main__'].__file__)",
    "where modules are found": "print(sys.path); import beside; print(beside.__file__)",
    "a folder": "print(os.getcwd())",
    "environment": "print(sorted(os.environ.items())); print(os.getenv('NEW'))",
    "descriptors": "print(sorted(map(int, os.listdir('/proc/self/fd')))[:-1])",
    "input": "print(sys.stdin.read())",
    "signals": "print({n: signal.getsignal(n) for n in signal.valid_signals() if n < 32})",
    "sessions": "print(os.getsid(0) == os.getpid(), os.getppid())",
    "temporary files": "import tempfile; print(tempfile.gettempdir())",
    "streams": "print(sys.stdout.encoding, sys.stdout.errors, sys.stderr.errors, "
    "sys.stdout.line_buffering, sys.stderr.line_buffering, sys.stdout.write_through)",
}
HEAD = "import os, signal, sys, threading, time\n"


def ended(folder: Path, *arguments: str, **environ: str) -> tuple[int, str, str]:
    done = subprocess.run(
        [sys.executable, *arguments],
        cwd=folder,
        env={**os.environ, "NEW": "1", "TMPDIR": str(folder), **environ},
        input="in",
        capture_output=True,
        text=True,
        check=False,
        start_new_session=True,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_ends_and_says_what_it_does_in_a_real_process(tmp_path: Path, name: str) -> None:
    (tmp_path / "script.py").write_text(HEAD + PROGRAMS[name] + "\n")
    (tmp_path / "beside.py").touch()
    real = ended(tmp_path, "script.py", "a", "b c")
    with forked():
        assert ended(tmp_path, "script.py", "a", "b c") == real


@pytest.mark.parametrize(
    "arguments",
    [
        ("-c", "import sys; print(sys.argv, sys.path[:2])", "x"),
        ("-m", "beside", "x"),
        ("-P", "-m", "batchprocess.agent"),
        ("-u", "beside.py"),
        ("-m", "no_such_module"),
        ("no_such_file.py",),
        ("-X", "utf8", "-c", "import sys; print(sys.flags.utf8_mode)"),
    ],
)
def test_so_does_every_way_to_name_it(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    (tmp_path / "beside.py").write_text(
        "import sys; print(__name__, __file__, sys.argv, sys.path, sys.stdout.write_through)"
    )
    real = ended(tmp_path, *arguments, PYTHONPATH=str(tmp_path / "more"))
    with forked():
        assert ended(tmp_path, *arguments, PYTHONPATH=str(tmp_path / "more")) == real


def test_it_has_torch_without_importing_it(tmp_path: Path) -> None:
    code = "import sys; print('torch' in sys.modules)"
    with forked():
        assert ended(tmp_path, "-c", code)[1] == "True\n"
    assert ended(tmp_path, "-c", code)[1] == "False\n"


def test_it_is_killed_and_waited_for_as_a_child() -> None:
    with forked():
        process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
    assert process.poll() is None
    process.kill()
    assert process.wait(60) == -signal.SIGKILL


STARTER = """
import os, subprocess, sys
child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(600)"])
print(child.pid, os.getpid(), flush=True)
sys.exit(-child.wait())
"""


def test_what_it_starts_is_forked_too_and_is_its_child(tmp_path: Path) -> None:
    (tmp_path / "batchprocess").write_text(STARTER)  # a name that a zygote knows for starting more
    with forked():
        process = subprocess.Popen(
            [sys.executable, "batchprocess"], cwd=tmp_path, stdout=subprocess.PIPE, text=True
        )
    assert process.stdout is not None
    with process.stdout as told:
        child, parent = map(int, told.readline().split())
    assert parent == process.pid
    assert Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1] == str(parent)
    assert "support.zygote" in Path(f"/proc/{child}/cmdline").read_text()
    os.kill(child, signal.SIGTERM)
    assert process.wait(60) == signal.SIGTERM
