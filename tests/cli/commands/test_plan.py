"""`batchprocess plan` as a person uses it: what it counts, warns of and refuses."""

import json
import re

import pytest

from batchprocess.protocol.environment import S3Settings
from batchprocess.storage.factory import open_storage
from support.rows_job import CODE, SPEC, behave
from support.script_runs import Script
from support.storage.s3_server import Server

pytestmark = pytest.mark.slow
SAVES = """

class Saves(Writer):
    def __init__(self, context):
        time.sleep(1.2)
        super().__init__(context)

    def process_batch(self, batch, batch_idx):
        self.context.save("n.jsonl", {"n": batch["n"]})

    on_checkpoint_start = TorchBatchProcessor.on_checkpoint_start
"""


def test_fields_for_a_cluster_are_named_in_one_line(job: Script) -> None:
    job.job(**SPEC, image="mine:1", queueName="gpus", ttlSecondsAfterFinished=5)
    done = job.batchprocess("plan", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert "ignored on this machine: image, queueName, ttlSecondsAfterFinished" in done.stderr


@pytest.mark.parametrize("command", ["run", "plan"])
def test_a_gpu_that_is_not_here_is_told(job: Script, command: str) -> None:
    job.job(**SPEC, worker={"gpus": 1})
    done = job.batchprocess(command, "job.yaml", CUDA_VISIBLE_DEVICES="")
    assert done.returncode == 0, done.stderr
    assert done.stderr.count("worker.gpus is 1, but no GPU is here: the CPU is used\n") == 1
    with_one = job.batchprocess("plan", "job.yaml", CUDA_VISIBLE_DEVICES="0")
    assert "no GPU" not in with_one.stderr


def test_plan_counts_tries_and_writes_nothing(job: Script) -> None:
    job.job(**SPEC)
    behave(job, seconds=0.1)
    counted = job.batchprocess("plan", "job.yaml", "--json")
    assert counted.returncode == 0, counted.stderr
    found = json.loads(counted.stdout)
    assert (found["rows"], found["batches"], found["shards"], found["batchSize"]) == (24, 12, 3, 2)
    assert found["secondsPerBatch"] is None
    assert found["outputs"] == str(job.folder / "batchprocess-runs" / "job")
    assert found["warnings"] == []
    assert "run plan again with --try" in job.batchprocess("plan", "job.yaml").stdout
    tried = json.loads(job.batchprocess("plan", "job.yaml", "--try", "--json").stdout)
    assert 0.1 <= tried["secondsPerBatch"] < 1
    assert tried["estimatedSeconds"] == pytest.approx(tried["secondsPerBatch"] * 12 / 3)
    assert not (job.folder / "batchprocess-runs").exists()


def test_plan_shows_the_files_of_an_input(
    job: Script, gateway: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in gateway.env().items():
        monkeypatch.setenv(name, value)
    s3 = {"endpoint": gateway.endpoint, "region": "us-east-1", "addressing": "path"}
    bucket = open_storage(f"s3://{gateway.bucket}/texts", S3Settings(**s3))
    bucket.put("a.jsonl", b'{"n": 1}\n{"n": 2}\n')
    bucket.put("b.jsonl", b"{}\n")
    bucket.put("c.jsonl", b"[1]\n")
    job.write("rows.py", CODE + SAVES)
    spec = SPEC | {"processor": "rows:Saves", "output": {"uri": "out", "s3": s3}, "shards": 2}
    spec.pop("dataset")
    job.job(**spec, input={"uri": f"s3://{gateway.bucket}/texts/[ab]*.jsonl"})
    done = job.batchprocess("plan", "job.yaml", "--try", "--json", **gateway.env())
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    assert found["input"]["files"] == 2
    assert found["input"]["sample"][2] == {"row": 2, "id": "texts/b.jsonl:0", "text": "{}"}
    assert found["tried"]["secondsToBuild"] >= 1.2
    each = len('{"row": 0, "id": "texts/a.jsonl:0", "n": 1}\n')
    assert found["tried"]["bytesPerBatch"] == 2 * each
    built = re.compile(r"each begins by building the processor for [1-9]\d* s")
    assert any(map(built.search, found["warnings"]))
    job.job(**spec, input={"uri": f"s3://{gateway.bucket}/texts/*.jsonl"})
    lines = job.batchprocess("plan", "job.yaml", **gateway.env()).stdout.splitlines()
    assert "input: 3 files, 25 bytes" in lines
    assert 'row 1, texts/a.jsonl:1: {"n": 2}' in lines
    (bad,) = [line for line in lines if "cannot be read" in line]
    assert bad.startswith(f"warning: s3://{gateway.bucket}/texts/c.jsonl cannot be read")
    assert not (job.folder / "out").exists()


def test_a_try_leaves_out_the_cold_batch_and_passes_over_checkpoints(job: Script) -> None:
    cold = """
    def process_batch(self, batch, batch_idx):
        time.sleep(0.02 if batch_idx else 6)
        super().process_batch(batch, batch_idx)
        with self.context.upload_path() as path:
            pathlib.Path(path, "last.txt").write_text(str(batch_idx))
        self.context.save("all.jsonl", batch)
"""
    job.write("rows.py", CODE + "\n\nclass Cold(Writer):" + cold)
    job.job(**SPEC | {"processor": "rows:Cold"})  # four batches a shard, each a checkpoint
    tried = job.batchprocess("plan", "job.yaml", "--try", "--json")
    assert tried.returncode == 0, tried.stderr
    assert 0.02 <= json.loads(tried.stdout)["secondsPerBatch"] < 6 / 4
    assert not (job.folder / "batchprocess-runs").exists()


def test_plan_fails_with_the_remedy_where_the_storage_cannot_be_used(
    job: Script, gateway: Server
) -> None:
    s3 = {"endpoint": gateway.endpoint, "region": "us-east-1", "addressing": "path"}
    job.job(**SPEC, output={"uri": "s3://nowhere-at-all/plan", "s3": s3})
    missing = job.batchprocess("plan", "job.yaml", "--json", **gateway.env())
    assert missing.returncode == 91
    assert json.loads(missing.stdout)["rows"] == 24
    assert missing.stderr.splitlines()[-1] == (
        "error: the storage cannot be used from here: s3://nowhere-at-all/plan/job: the bucket "
        "does not exist: create it, or check its name and the endpoint (NoSuchBucket)"
    )
    job.job(**SPEC, output={"uri": f"s3://{gateway.bucket}/plan", "s3": s3})
    wrong = job.batchprocess("plan", "job.yaml", **gateway.env() | {"AWS_SECRET_ACCESS_KEY": "no"})
    assert wrong.returncode == 91
    assert "check AWS_SECRET_ACCESS_KEY" in wrong.stderr
    assert "ListBucket" not in wrong.stderr
    job.job(**SPEC, output={"uri": "/proc/runs"})
    assert job.batchprocess("plan", "job.yaml").returncode == 91


def test_plan_of_a_store_that_knows_no_lifecycle_rules(
    job: Script, gateway: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    s3 = {"endpoint": gateway.endpoint, "region": "us-east-1", "addressing": "path"}
    job.job(**SPEC, output={"uri": f"s3://{gateway.bucket}/plan", "s3": s3})
    done = job.batchprocess("plan", "job.yaml", "--json", **gateway.env())
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["rows"] == 24


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"processor": "rows:Reader"}, "processor: module 'rows' has no 'Reader'"),
        ({"processor": "nowhere:Writer"}, "No module named 'nowhere'"),
        ({"dataset": "rows:CODE"}, "dataset: module 'rows' has no 'CODE'"),
        ({"dataset": "rows:sys"}, "dataset must name a function, not a module"),
        ({"processor": "rows:dataset"}, "is no subclass of TorchBatchProcessor"),
        ({"hparams": {"rows": 0}}, "list has 0 rows"),
    ],
)
def test_plan_says_what_is_wrong_with_the_code(
    job: Script, change: dict[str, object], sentence: str
) -> None:
    job.job(**SPEC | change)
    done = job.batchprocess("plan", "job.yaml", "--try")
    assert done.returncode == 91
    (said,) = [one for one in done.stderr.splitlines() if one.startswith("error: ")]
    assert sentence in said
    assert "exit code" not in said
    assert "Traceback" not in done.stderr


def test_a_try_that_user_code_ends_names_the_batch(job: Script) -> None:
    ends = "\n    def process_batch(self, batch, batch_idx):\n        sys.exit(0)\n"
    job.write("rows.py", CODE + "\n\nclass Ends(Writer):" + ends)
    job.job(**SPEC | {"processor": "rows:Ends"})
    done = job.batchprocess("plan", "job.yaml", "--try")
    assert done.returncode == 91
    sentence = "process_batch raised SystemExit: 0 (batch 0 of shard 0, rows 0 to 1)"
    assert sentence in done.stderr


def test_plan_names_a_command_that_does_not_exist(job: Script) -> None:
    job.job(command=["pythonn", "x.py"])
    done = job.batchprocess("plan", "job.yaml")
    assert done.returncode == 91
    assert done.stderr.startswith("error: the command 'pythonn' cannot be started")


def test_plan_of_a_script_that_never_calls_us(job: Script) -> None:
    job.write("other.py", "print('hello')\n")
    job.job(command=["python", "other.py"])
    done = job.batchprocess("plan", "job.yaml")
    assert done.returncode == 91
    assert "without calling torch_batch_process; its last line was 'hello'" in done.stderr


def test_plan_hears_a_script_that_leaves_its_last_line_unfinished(job: Script) -> None:
    job.write("rows.py", CODE + "\nprint('loading', end='')\n")
    job.job(**SPEC)
    done = job.batchprocess("plan", "job.yaml", "--json")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["batches"] == 12
