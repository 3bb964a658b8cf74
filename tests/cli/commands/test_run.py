"""`batchprocess run` as a person uses it, with real processes."""

import fcntl
import json
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from support.rows_job import CODE, SPEC, behave
from support.script_runs import Script
from support.terminals import terminal
from support.zygote.processes import forked

pytestmark = pytest.mark.slow
BATCHPROCESS = str(Path(sys.executable).parent / "batchprocess")
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start(job: Script) -> Iterator[Start]:
    """Starts `batchprocess run` and goes on; whatever still runs at the end is killed."""
    started: list[subprocess.Popen[str]] = []

    def call(*options: str) -> "subprocess.Popen[str]":
        with forked():
            process = subprocess.Popen(
                [BATCHPROCESS, "run", "job.yaml", *options],
                cwd=job.folder,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
        started.append(process)
        return process

    yield call
    for process in started:
        process.kill()
        process.communicate()


def wait_for(what: Callable[[], bool], seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.05)


def commits(job: Script) -> int:
    """Records of all shards beyond their claims."""
    return len(list(job.folder.rglob("ledger/*/0000000[2-9].json")))


def lines_of(job: Script, uri: str) -> list[str]:
    done = job.batchprocess("results", uri, "--json", "--download", str(job.folder / "got"))
    assert done.returncode == 0, done.stderr
    files = [job.folder / "got" / _place(one) for one in json.loads(done.stdout)["files"]]
    return "".join(path.read_text() for path in files).split()


def _place(file: dict[str, str]) -> str:
    shard, seq = file["key"].split("/")[1:3]
    return f"{shard}/{seq.partition('-')[0]}/{file['name']}"


def test_run_again_and_fresh(job: Script) -> None:
    job.job(**SPEC)
    first = job.batchprocess("run", "job.yaml")
    assert first.returncode == 0, first.stderr
    assert "begins" in first.stderr
    assert "time: data " in first.stderr
    told = first.stdout.splitlines()
    assert told[0] == "state: complete"
    assert told[1].startswith("outputs: ")
    assert told[2] == "metric rows: 24"
    assert [line.split() for line in told[4:]] == [[str(n), "4/4", "complete"] for n in range(3)]

    again = job.batchprocess("run", "job.yaml", "--json")
    assert (again.returncode, json.loads(again.stdout)["state"]) == (0, "complete")
    assert "is complete; --fresh starts another\n" in again.stderr
    assert "warning" not in again.stderr
    assert json.loads(again.stdout)["changed"] == []
    assert "[shard" not in again.stderr

    fresh = job.batchprocess("run", "job.yaml", "--fresh", "--json")
    assert fresh.returncode == 0, fresh.stderr
    assert json.loads(fresh.stdout)["uri"] != json.loads(again.stdout)["uri"]
    for run in (again, fresh):
        read = json.loads(run.stdout)
        assert {"runId", "job", "rows", "batches", "shards", "failedShards", "files"} <= read.keys()
        assert {"bytes", "attempts", "metrics", "metricsError", "state", "uri"} <= read.keys()
        assert lines_of(job, read["uri"]) == [str(row) for row in range(24)]


def test_a_complete_run_says_what_has_changed_since(job: Script) -> None:
    spec = SPEC | {"dataset": "rows:grown", "shards": 1}
    job.write(
        "rows.py", CODE + "\ndef grown():\n    return list(range(open('n').read().count('x')))\n"
    )
    job.job(**spec)
    job.write("n", "x" * 6)
    assert job.batchprocess("run", "job.yaml", "--expect-new").returncode == 0
    job.write("n", "x" * 7)
    again = job.batchprocess("run", "job.yaml", "--json")
    assert again.returncode == 0
    (said,) = json.loads(again.stdout)["changed"]
    assert said.startswith("the dataset has 7 rows here, but the run was started with 6")
    assert f"warning: {said}" in again.stderr
    job.write("n", "x" * 6)
    job.write("rows.py", (job.folder / "rows.py").read_text() + "\n# changed\n")
    again = job.batchprocess("run", "job.yaml", "--expect-new")
    assert again.returncode == 3
    assert "warning: the job's code has changed since the run was begun" in again.stderr
    job.write("rows.py", "raise SystemExit('cannot be imported today')")
    again = job.batchprocess("run", "job.yaml")
    assert again.returncode == 0
    assert "could not be seen: the job's code could not be loaded: SystemExit: " in again.stderr


def test_ctrl_c_commits_and_the_next_run_says_from_where(job: Script, start: Start) -> None:
    job.job(**SPEC, hparams={"rows": 60})
    behave(job, seconds=0.5)
    running = start()
    wait_for(lambda: len(list(job.folder.rglob("ledger/*/00000002.json"))) == 3)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=60)
    assert running.returncode == 85, err
    assert out.startswith("state: stopped")
    assert "run it again to go on" in err
    table = [line.split() for line in out.splitlines()[3:]]
    committed = sum(int(batches.partition("/")[0]) for _, batches, _ in table)
    assert committed >= 3

    behave(job)
    job.job(**SPEC | {"parallelism": 1}, hparams={"rows": 60})
    done = job.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert f"goes on: {committed} of 30 batches are committed, 0 of 3 shards" in done.stderr
    read = json.loads(done.stdout)
    assert (read["metrics"], read["attempts"]) == ({"rows": 60}, 6)
    assert lines_of(job, read["uri"]) == [str(row) for row in range(60)]


def test_a_closed_terminal_has_every_shard_commit_and_stop(job: Script) -> None:
    job.job(**SPEC, hparams={"rows": 60})
    behave(job, seconds=0.5)
    with terminal([BATCHPROCESS, "run", "job.yaml"], job.folder, TERM="xterm") as on:
        wait_for(lambda: commits(job) >= 3)
        assert on.close() == 85
    kept = commits(job)
    behave(job)
    done = job.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert "goes on" in done.stderr
    read = json.loads(done.stdout)
    assert kept >= 3
    assert read["metrics"] == {"rows": 60}
    assert lines_of(job, read["uri"]) == [str(row) for row in range(60)]


def test_sealed_shards_are_not_started_again(job: Script) -> None:
    job.job(**SPEC, failurePolicy={"maxRetriesPerShard": 0})
    behave(job, poison=1)
    failed = job.batchprocess("run", "job.yaml", "--json")
    assert failed.returncode == 90
    assert (
        "ValueError: a row that nobody can read (batch 0 of shard 1, rows 8 to 9)" in failed.stderr
    )
    assert json.loads(failed.stdout)["state"] == "failed"
    assert failed.stderr.splitlines()[-1] == (
        "8 of 12 batches are committed and stay: mend the cause, then run it again to go on"
    )
    status = job.batchprocess("status", "job.yaml").stdout
    assert status.endswith(
        "ValueError: a row that nobody can read (batch 0 of shard 1, rows 8 to 9)\n"
    )
    behave(job)
    done = job.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert "goes on: 8 of 12 batches are committed, 2 of 3 shards complete" in done.stderr
    assert "[shard 1] " in done.stderr
    assert not re.search(r"\bshard [02]\b", done.stderr)
    assert json.loads(done.stdout)["rows"] == 24


def test_tolerated_failures_complete_the_run_without_those_rows(job: Script) -> None:
    policy = {"maxRetriesPerShard": 0, "maxFailedShards": 1}
    job.job(**SPEC, failurePolicy=policy)
    behave(job, poison=1)
    done = job.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert (read["failedShards"], read["rows"], read["metrics"]) == ([1], 16, {"rows": 16})
    verified = job.batchprocess("verify", read["uri"])
    assert verified.returncode == 0, verified.stdout


def test_a_younger_run_takes_over_and_the_older_one_says_so(job: Script, start: Start) -> None:
    # Slow: an older run that finds every shard sealed by the younger one is complete, not fenced.
    job.job(**SPEC, hparams={"rows": 120})
    behave(job, seconds=1)
    older = start()
    wait_for(lambda: commits(job) >= 3)
    younger = start("--json")
    _, err = older.communicate(timeout=100)
    assert older.returncode == 87, err
    assert "the run was taken over by job" in err
    assert "Traceback" not in err
    out, err = younger.communicate(timeout=100)
    assert younger.returncode == 0, err
    read = json.loads(out)
    assert lines_of(job, read["uri"]) == [str(row) for row in range(120)]
    assert read["metrics"] == {"rows": 120}


def test_a_pinned_run_id_names_the_folder_and_cannot_be_fresh(job: Script) -> None:
    job.job(**SPEC, runId="v1.2")
    done = job.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["uri"].endswith("/job/v1.2")
    fresh = job.batchprocess("run", "job.yaml", "--fresh")
    assert fresh.returncode == 91
    assert "spec.runId pins this one" in fresh.stderr


def test_another_cut_of_the_same_run_is_refused_with_both_values(job: Script) -> None:
    job.job(**SPEC, runId="v1")
    assert job.batchprocess("run", "job.yaml").returncode == 0
    job.job(**SPEC | {"shards": 4}, runId="v1")
    next(job.folder.rglob("_SUCCESS")).unlink()
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 91
    assert "shards is 4, but this run was started with 3" in done.stderr


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"hparams": {"tag": "B"}}, 'hparams.tag is "B", but this run was started with "A"; do'),
        ({"shards": 4}, "shards is 4, but this run was started with 3;"),
        ({"maxBatches": None}, "maxBatches is not set, but this run was started with 1;"),
        ({"dataset": "rows:others"}, 'dataset is "rows:others", but this run was started with'),
    ],
)
def test_a_complete_run_of_another_job_does_not_pass_for_this_one(
    job: Script, change: dict[str, object], sentence: str
) -> None:
    spec = SPEC | {"maxBatches": 1, "hparams": {"tag": "A"}}
    job.job(**spec)
    assert job.batchprocess("run", "job.yaml").returncode == 0
    job.job(**{name: value for name, value in (spec | change).items() if value is not None})
    done = job.batchprocess("run", "job.yaml")
    assert (done.returncode, done.stdout) == (91, "")
    assert "is complete, but not this job's: " + sentence in done.stderr
    assert "batchprocess run --fresh" in done.stderr
    assert job.batchprocess("run", "job.yaml", "--fresh").returncode == 0


def test_a_run_goes_on_with_its_own_hparams_only(job: Script) -> None:
    job.job(**SPEC, hparams={"tag": "A"}, failurePolicy={"maxRetriesPerShard": 0})
    behave(job, poison=1)
    assert job.batchprocess("run", "job.yaml").returncode == 90
    behave(job)
    job.job(**SPEC, hparams={"tag": "B"})
    refused = 'hparams.tag is "B", but this run was started with "A"'
    planned = job.batchprocess("plan", "job.yaml")
    assert f"would not go on: {refused}" in planned.stdout
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 91
    assert refused in done.stderr
    job.job(**SPEC, hparams={"tag": "A"})
    assert job.batchprocess("run", "job.yaml").returncode == 0


def test_a_run_that_only_lacks_its_finalizer_takes_no_other_hparams(job: Script) -> None:
    job.job(**SPEC, hparams={"tag": "A"})
    assert job.batchprocess("run", "job.yaml").returncode == 0
    next(job.folder.rglob("_SUCCESS")).unlink()
    job.job(**SPEC, hparams={"tag": "B"})
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 91
    assert 'hparams.tag is "B", but this run was started with "A"' in done.stderr
    assert not list(job.folder.rglob("_SUCCESS"))


def test_a_run_that_goes_on_with_another_command_says_so(job: Script) -> None:
    script = (
        "import batchprocess, rows;"
        "batchprocess.torch_batch_process(rows.Writer, rows.dataset({}), batch_size=2)"
    )
    spec = {"shards": 2, "failurePolicy": {"maxRetriesPerShard": 0}}
    job.job(**spec, command=["python", "-c", script, "--model=small"])
    behave(job, poison=1)
    assert job.batchprocess("run", "job.yaml").returncode == 90
    behave(job)
    job.job(**spec, command=["python", "-c", script, "--model=large"])
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert "shard 1: the job's command is not the one that this run was started" in done.stderr
    job.job(**spec, command=["python", "-c", script, "--model=huge"])
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 91
    assert "not this job's: command is not the one that this run was started with" in done.stderr


def test_a_script_that_cannot_be_imported_is_tried_once_and_told_by_its_last_line(
    job: Script,
) -> None:
    job.write("broken.py", "import no_such_module\n")
    job.job(command=["python", "broken.py"], shards=1)
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 91
    assert done.stderr.count("Traceback") == 1
    assert done.stderr.splitlines()[-1] == (
        "failed: the command ended with exit code 1 before it called torch_batch_process: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    )


def test_a_module_that_ends_the_process_when_it_is_imported_is_an_error(job: Script) -> None:
    job.write("rows.py", "import sys\nsys.exit(0)\n")
    job.job(**SPEC)
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 91
    assert done.stderr.splitlines()[-1] == (
        "failed: the job's code could not be loaded: SystemExit: 0"
    )


def test_a_script_that_ends_in_the_same_way_twice_is_not_tried_again(job: Script) -> None:
    job.job(command=["python", "-c", "print('no licence'); raise SystemExit(3)"], shards=1)
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 1
    assert "shard 0: trying again (2 of 4)" in done.stderr
    assert done.stderr.count("[shard 0] no licence") == 2
    assert done.stderr.splitlines()[-1].endswith("before it called torch_batch_process: no licence")


def test_a_worker_that_was_killed_is_tried_again_with_the_reason(job: Script) -> None:
    killing = """
import os
from rows import Writer

class Killing(Writer):
    def process_batch(self, batch, batch_idx):
        tries = pathlib.Path("tries")
        number = int(tries.read_text()) if tries.exists() else 1
        tries.write_text(str(number + 1))
        if number in (1, 3):
            os.kill(os.getppid(), 9)
            time.sleep(60)
        if number == 2:
            raise ValueError("of the second try only")
        super().process_batch(batch, batch_idx)
"""
    job.write("killing.py", "import pathlib, time\n" + killing)
    job.job(**SPEC | {"processor": "killing:Killing", "shards": 1, "parallelism": 1})
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    told = [line for line in done.stderr.splitlines() if "trying again" in line]
    assert told == [
        "shard 0: trying again (2 of 4): its worker was killed by SIGKILL",
        "shard 0: trying again (3 of 4)",
        "shard 0: trying again (4 of 4): its worker was killed by SIGKILL",
    ]


def test_a_run_that_was_killed_leaves_no_temporary_files_to_the_next(
    job: Script, start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    (job.folder / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(job.folder / "tmp"))
    one = SPEC | {"shards": 1}
    job.job(**one)
    behave(job, seconds=0.5)
    running = start()
    wait_for(lambda: commits(job) >= 1)
    running.kill()
    running.communicate(timeout=60)
    (left,) = (job.folder / "tmp").glob("batchprocess-run-*")
    with next(left.glob("lock-*")).open() as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # until its agent has ended too
    behave(job)
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert not list((job.folder / "tmp").glob("batchprocess-run-*"))


def test_an_output_that_cannot_be_written_is_refused_at_once(job: Script) -> None:
    (job.folder / "file").touch()
    job.job(**SPEC, output={"uri": "file/runs"})
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 91
    assert "file/runs/job" in done.stderr
    assert "check output.uri" in done.stderr


def test_two_children_of_a_worker_share_the_work(job: Script) -> None:
    job.job(**SPEC | {"shards": 4, "parallelism": 1}, worker={"processesPerWorker": 2})
    done = job.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert (read["rows"], read["attempts"], read["metrics"]) == (24, 4, {"rows": 24})
    assert "[shards 0, 1] " in done.stderr
    assert lines_of(job, read["uri"]) == [str(row) for row in range(24)]


def test_a_failure_that_passes_is_retried(job: Script) -> None:
    once = """
    def __init__(self, context):
        super().__init__(context)
        self.mark = pathlib.Path(f"failed-{context.get_distributed_rank()}")

    def process_batch(self, batch, batch_idx):
        if batch_idx == 2 and not self.mark.exists():
            self.mark.touch()
            raise ValueError("the first time only")
        super().process_batch(batch, batch_idx)
"""
    job.write("rows.py", CODE + "\n\nclass Once(Writer):" + once)
    job.job(**SPEC | {"processor": "rows:Once"})
    done = job.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    read = json.loads(done.stdout)
    assert (read["rows"], read["attempts"], read["metrics"]) == (24, 6, {"rows": 24})


def test_a_mistake_that_ends_every_shard_alike_ends_the_run_and_is_shown_once(job: Script) -> None:
    wrong = """
    def process_batch(self, batch, batch_idx):
        self.context.save("rows.xyz", {"row": batch})
"""
    job.write("rows.py", CODE + "\n\nclass Wrong(Writer):" + wrong)
    job.job(**SPEC | {"processor": "rows:Wrong", "shards": 4})
    done = job.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 91, done.stderr
    assert "3 shards have ended alike at every attempt" in done.stderr
    assert done.stderr.count("Traceback (most recent call last)") == 1, done.stderr
    assert len(list(job.folder.rglob("failed-0-*.json"))) <= 8


def test_a_row_that_always_fails_ends_its_shard_at_the_second_try(job: Script) -> None:
    job.job(**SPEC)
    behave(job, poison=1)
    done = job.batchprocess("run", "job.yaml", "--json")
    assert done.returncode == 92, done.stderr
    assert "so shard 1 is not tried again: mend the code or the data" in done.stderr
    assert len(list(job.folder.rglob("failed-0-*.json"))) == 2
    assert "8 of 12 batches are committed and stay" in done.stderr


def test_a_gigabyte_of_output_is_passed_on_in_bounded_memory(job: Script, tmp_path: Path) -> None:
    loud = "for _ in range(1000): print('x' * 10**6)\nprint('y' * 10**7, end='')\n"
    job.write("rows.py", CODE + loud)
    job.job(**SPEC | {"shards": 1})
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen(
            [BATCHPROCESS, "run", "job.yaml"], cwd=job.folder, stdout=log, stderr=log
        )
        most = 0
        while process.poll() is None:
            most = max(most, _peak_kibibytes(process.pid))
            time.sleep(0.02)
    assert process.returncode == 0
    # Lines are cut at 4 KiB, so a gigabyte becomes a few megabytes on the screen.
    assert 1_000 * 4_000 < (tmp_path / "log").stat().st_size < 20_000_000
    assert 0 < most < 300_000


def _peak_kibibytes(pid: int) -> int:
    """The most memory that one process itself has used; its children are not counted."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return max((int(line.split()[1]) for line in lines if line.startswith("VmHWM")), default=0)
