"""A wrong job file is told with its line, its field, its value, and what would be right."""

import pytest

from batchprocess.api.environment import worker_environment
from batchprocess.api.load_yaml import load_job
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


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize(("field", "name"), [("profile",) * 2, ("compileCache", "compile_cache")])
def test_a_switch_reaches_the_worker(field: str, name: str, told: bool):
    job = load_job(f"{GOOD.rstrip()}\n  {field}: {str(told).lower()}\n", "job.yaml")
    made = worker_environment(job, run_uri="/runs/digits/1", job_id="20260101T000000Z-x")
    assert getattr(made, name) is told


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
        ("  dataset: inference:dataset\n", "", "processor goes together with spec.dataset"),
        ("  dataset:", "  command: [python, x.py]\n  dataset:", "either command, or processor"),
        ("shards: 4", "shards: [", "this is not YAML"),
        ("shards: 4", "shards: 4\n  shards: 5", "line 8: shards is given twice, first in line 7"),
        ("gpus: 1", "template: {a: 1, a: 2}", "line 10: a is given twice, first in line 10"),
        ("shards: 4", "hparams: &h {again: *h}", "line 7: an alias refers to itself"),
        ("shards: 4", "hparams: {a: !!binary 'AA=='}", "line 7: this is not YAML: .*tag.*binary"),
        ("shards: 4", f"hparams: {{a: {'[' * 2_000}{']' * 2_000}}}", "nested too deeply"),
        ("shards: 4", "hparams: {a: \x07}", "this is not YAML: .*not allowed"),
        ("inference:dataset", "inference.py", "line 6: spec.dataset: must be module:name.*found"),
        (
            "shards: 4",
            "output: {s3: {endpoint: 'localhost:7070'}}",
            "line 7: spec.output.s3.endpoint: must begin with http://.*found 'localhost:7070'",
        ),
        (
            "  dataset: inference:dataset",
            "  input: {url: in/a.csv}",
            "line 6: spec.input.uri is missing\njob.yaml, line 6: spec.input.url is not a known "
            "field: did you mean uri",
        ),
        (
            "  dataset: inference:dataset",
            "  input: in/a.csv",
            "line 6: spec.input: must be a mapping of fields, .*found 'in/a.csv'.*{uri: ...}$",
        ),
        (
            "  dataset: inference:dataset",
            "  input: {uri: [a.csv, b.csv]}",
            r"line 6: spec.input.uri: .*\(found \['a.csv', 'b.csv'\]\): several are .* @list.txt",
        ),
        (
            "shards: 4",
            "failurePolicy: {onBadRow: skip, maxBadRows: 1 %}",
            "line 7: spec.failurePolicy.maxBadRows: input should be a valid integer, or must be a "
            "percentage, as \"0.5%\" .found '1 %'.$",
        ),
        (
            "shards: 4",
            "failurePolicy: {maxBadRows: 5}",
            "job.yaml, line 7: spec.failurePolicy.maxBadRows goes with onBadRow: skip",
        ),
        ("shards: 4", "runId: a/b", "spec.runId: .*match pattern"),
        ("gpus: 1", "processesPerWorker: 17", "less than or equal to 16"),
    ],
)
def test_a_wrong_job_is_told_in_a_sentence(old, new, sentence):
    assert old in GOOD
    with pytest.raises(InvalidArgument, match=sentence):
        load_job(GOOD.replace(old, new), "job.yaml")


@pytest.mark.hostile
def test_aliases_that_would_fill_the_memory_are_refused():
    lines = ["a0: &a0 [1, 1]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]" for n in range(1, 12)]
    text = GOOD + "  hparams:\n" + "".join(f"    {line}\n" for line in lines)
    with pytest.raises(InvalidArgument, match="line 1[0-9]: its aliases stand for more than"):
        load_job(text, "job.yaml")


def test_a_date_without_quotes_is_text_as_on_a_cluster():
    job = load_job(GOOD.replace("shards: 4", "runId: 2026-01-02"), "job.yaml")
    assert job.spec.run_id == "2026-01-02"


def test_something_else_than_a_job_is_told():
    with pytest.raises(InvalidArgument, match="a job is a mapping"):
        load_job("- 1", "list.yaml")
    with pytest.raises(InvalidArgument, match="larger than"):
        load_job("#" * (1 << 20) + "\n", "big.yaml")
