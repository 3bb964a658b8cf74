"""Sentences for what user code raises, and where they say that it was."""

import pytest

from batchprocess.protocol.sharding import ShardPlan
from batchprocess.sdk.report.error_report import Where


def test_a_failing_reducer_is_of_no_shard():
    where = Where(shard=0, stage="reduce")
    assert where.sentence(ZeroDivisionError("by zero")) == (
        "reduce raised ZeroDivisionError: by zero"
    )


def test_a_failing_batch_names_its_rows_and_one_before_any_batch_its_shard():
    where = Where(shard=1, stage="process_batch", batch=1, plan=ShardPlan(20, 2, 2))
    assert where.sentence(KeyError("a")) == (
        "process_batch raised KeyError: 'a' (batch 1 of shard 1, rows 12 to 13)"
    )
    assert Where(shard=1, stage="__init__").sentence(KeyError("a")).endswith("(shard 1)")


def test_an_error_of_a_loader_process_is_one_line():
    text = (
        "Caught ValueError in DataLoader worker process 0.\n"
        "Original Traceback (most recent call last):\n"
        '  File "x.py", line 1, in f\n'
        "ValueError: row 7 is broken\n"
    )
    where = Where(shard=0, stage="reading a batch", batch=3, plan=ShardPlan(20, 2, 1))
    assert where.sentence(ValueError(text)) == (
        "reading a batch raised ValueError: row 7 is broken (in a loader process) "
        "(batch 3 of shard 0, rows 6 to 7)"
    )


def test_after_a_block_the_stage_is_as_before_and_after_an_error_it_is_the_blocks():
    where = Where(shard=2)
    with where.at("the dataset"):
        with where.at("__init__"):
            pass
        assert where.stage == "the dataset"
    assert where.stage == "start"
    with pytest.raises(KeyError) as raised, where.at("__init__"):  # noqa: PT012  a block in it
        with where.at("the dataset"):
            pass
        raise KeyError("a")
    assert where.sentence(raised.value) == "__init__ raised KeyError: 'a' (shard 2)"


def test_a_sentence_holds_no_bytes_that_are_no_text() -> None:
    sentence = Where(shard=0, stage="process_batch").sentence(ValueError("a\udcff"))
    assert sentence.encode()
    assert "a\\udcff" in sentence
