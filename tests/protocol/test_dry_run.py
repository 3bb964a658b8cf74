"""The question of `plan` and its answer go over the wire as these very bytes."""

import json

import pytest

from batchprocess.protocol.dry_run import DryRunAnswer, DryRunFailure, DryRunQuestion
from batchprocess.protocol.exit_codes import ExitCode
from batchprocess.protocol.run import Asked, RunInfo

RUN = RunInfo(
    rows=10, batch_size=2, batches=5, shards=2, processor="Doubler", asked=Asked(shards=2)
)
ANSWER = DryRunAnswer(
    rows=10, batches=5, shards=2, batchSize=2, secondsPerBatch=0.5, run=RUN, warnings=("a", "b")
)


@pytest.mark.parametrize(("try_batch", "text"), [(False, "count"), (True, "try")])
def test_the_question_is_a_word_in_a_variable(try_batch: bool, text: str) -> None:
    question = DryRunQuestion(try_batch=try_batch)
    assert question.to_env() == {"BATCHPROCESS_PLAN": text}
    assert DryRunQuestion.from_env({"PATH": "/bin", **question.to_env()}) == question


def test_who_only_compares_has_a_word_of_its_own() -> None:
    question = DryRunQuestion(compare_only=True)
    assert question.to_env() == {"BATCHPROCESS_PLAN": "compare"}
    assert DryRunQuestion.from_env(question.to_env()) == question


def test_a_run_may_be_compared() -> None:
    question = DryRunQuestion(run="s3://b/job/run")
    assert question.to_env()["BATCHPROCESS_PLAN_RUN"] == "s3://b/job/run"
    assert DryRunQuestion.from_env(question.to_env()) == question


def test_nobody_asks_without_the_variable() -> None:
    assert DryRunQuestion.from_env({"PATH": "/bin"}) is None


def test_the_answer_is_one_line_with_its_fields_in_order() -> None:
    assert ANSWER.encode() == json.dumps(
        {
            "rows": 10,
            "batches": 5,
            "shards": 2,
            "batchSize": 2,
            "secondsPerBatch": 0.5,
            "run": RUN.model_dump(mode="json"),
            "warnings": ["a", "b"],
            "input": None,
            "summary": None,
            "tried": None,
        }
    )
    assert ANSWER.encode().startswith('{"rows": 10, "batches": 5, "shards": 2, "batchSize": 2, ')
    assert DryRunAnswer.decode(ANSWER.encode()) == ANSWER


@pytest.mark.parametrize("line", ["done", "5", "{}", "null", '{"rows": 10}'])
def test_what_a_script_prints_last_is_not_taken_for_an_answer(line: str) -> None:
    with pytest.raises(ValueError, match="DryRunAnswer"):
        DryRunAnswer.decode(line)


def test_a_failure_is_one_line_in_place_of_the_answer() -> None:
    failure = DryRunFailure(failed="storage has failed", code=ExitCode.STORAGE, ours=True)
    line = failure.encode()
    assert line == '{"failed": "storage has failed", "code": 88, "ours": true}'
    assert DryRunFailure.decode(line) == failure
    with pytest.raises(ValueError, match="DryRunAnswer"):
        DryRunAnswer.decode(line)


@pytest.mark.parametrize("line", ["done", "{}", ANSWER.encode()])
def test_what_else_is_printed_is_no_failure(line: str) -> None:
    assert DryRunFailure.decode(line) is None
