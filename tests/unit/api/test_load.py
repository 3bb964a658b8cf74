"""A wrong job file is told with its line, its field, its value, and what would be right."""

import pytest

from batchprocess.api.environment import worker_environment
from batchprocess.api.load import load_job
from batchprocess.protocol.errors import InvalidArgument

GOOD = """\
apiVersion: batchprocess.dev/v1alpha1
kind: BatchProcessJob
metadata: {name: digits}
spec:
  processor: inference:Processor
  dataset: inference:dataset
  shards: 4
  batchSize: 32
  worker:
    gpus: 1
"""


def test_a_good_job_is_read_and_becomes_an_environment():
    job = load_job(GOOD, "job.yaml")
    made = worker_environment(job, run_uri="/runs/digits/1", job_id="20260101T000000Z-x")
    assert (made.shards, made.batch_size, made.gpus) == (4, 32, 1)
    assert (made.processor, made.dataset) == ("inference:Processor", "inference:dataset")


@pytest.mark.parametrize(
    ("old", "new", "sentence"),
    [
        ("gpus: 1", "gpu: 1", "line 10: spec.worker.gpu is not a known field: did you mean gpus?"),
        ("batchSize: 32", "batchSize: many", r"line 8: spec.batchSize: .*integer.*found 'many'"),
        ("shards: 4", "shards: 0", r"line 7: spec.shards: .*greater than or equal to 1.*found 0"),
        ("shards: 4", "shards: 10001", "line 7: spec.shards: .*less than or equal to 10000"),
        ("name: digits", "name: Digits", "line 3: metadata.name: .*match pattern"),
        ("name: digits", f"name: {'d' * 41}", "metadata.name: .*at most 40"),
        ("kind: BatchProcessJob", "kind: Job", "line 2: kind: .*BatchProcessJob"),
        ("  dataset: inference:dataset\n", "", "processor and spec.dataset go together"),
        ("  dataset:", "  command: [python, x.py]\n  dataset:", "either command, or processor"),
        ("shards: 4", "shards: [", "this is not YAML"),
        ("shards: 4", "runId: a/b", "spec.runId: .*match pattern"),
        ("gpus: 1", "processesPerWorker: 17", "less than or equal to 16"),
    ],
)
def test_a_wrong_job_is_told_in_a_sentence(old, new, sentence):
    assert old in GOOD
    with pytest.raises(InvalidArgument, match=sentence):
        load_job(GOOD.replace(old, new), "job.yaml")


def test_something_else_than_a_job_is_told():
    with pytest.raises(InvalidArgument, match="a job is a mapping"):
        load_job("- 1", "list.yaml")
    with pytest.raises(InvalidArgument, match="larger than"):
        load_job("#" * (1 << 20) + "\n", "big.yaml")
