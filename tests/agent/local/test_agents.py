"""Lines of user output as a person is to see them."""

import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from batchprocess.agent.local.agent_process import AgentProcess
from batchprocess.agent.local.agents import MAX_LINE, AgentProcesses, overwritten
from batchprocess.runs.scratch_folder import scratch

BAR = "".join(f"\\r {n:3}%|{'#' * 60}|" for n in range(101))


@pytest.mark.parametrize(
    ("line", "shown"),
    [
        (b"plain", b"plain"),
        (b"\r 10%\r 20%", b" 20%"),
        (b"of Windows\r", b"of Windows\r"),
        (b"10%\r20%\r", b"20%\r"),
        (b"20%\r\r", b"20%\r"),
        (b"\r", b"\r"),
        (b"", b""),
    ],
)
def test_what_is_written_over_is_not_shown(line: bytes, shown: bytes) -> None:
    assert overwritten(line) == shown


@pytest.fixture
def lines_of(tmp_path: Path) -> Callable[[str], list[str]]:
    """The lines that are passed on of a program in an agent's place."""

    def run(code: str) -> list[str]:
        shown: list[str] = []
        process = subprocess.Popen(
            [sys.executable, "-c", code], stdout=subprocess.PIPE, stderr=subprocess.STDOUT
        )
        with scratch() as temporary:
            agents = AgentProcesses((), tmp_path, temporary, shown.append, lambda _: None)
            reader, writer = os.pipe()
            agent = AgentProcess(0, "shard 0", process, reader, tmp_path / "message")
            agents.read_from(agent)
            while process.poll() is None:
                agents.read_output()
            os.close(writer)
            agents.read_rest(agent)
        return shown

    return run


@pytest.mark.slow
@pytest.mark.parametrize("end", ["\\n", ""])
def test_of_a_progress_bar_the_last_state_is_shown(
    lines_of: Callable[[str], list[str]], end: str
) -> None:
    assert len(BAR) > MAX_LINE
    code = f"print('begins')\nfor part in '{BAR}'.split('\\r')[1:]:\n"
    code += "    print(chr(13) + part, end='', flush=True)\n"
    shown = lines_of(f"{code}print(end='{end}', flush=True)")
    assert shown == ["[shard 0] begins", f"[shard 0]  100%|{'#' * 60}|"]


@pytest.mark.slow
def test_a_last_line_without_an_end_is_shown(lines_of: Callable[[str], list[str]]) -> None:
    assert lines_of("print('out of memory', end='')") == ["[shard 0] out of memory"]
