"""Which shards an index stands for, and numbers that a status has for each."""

import pytest

from batchprocess_operator.observe.shard_numbers import numbers, shards_of
from support.operator.objects import WORKER, child
from support.operator.shard_reports import look


def test_an_index_of_several_processes_stands_for_several_shards() -> None:
    made = child(completions=2, status={"completedIndexes": "1"})
    assert look(children=[made], worker={"processesPerWorker": 2}).sealed == {2, 3}


def test_the_last_index_may_stand_for_fewer_shards() -> None:
    made = child(completions=2, status={"completedIndexes": "1"})
    shards = look(children=[made], worker={"processesPerWorker": 3})
    assert shards.sealed == {3}


def test_an_index_of_a_retry_stands_for_the_shards_in_its_annotation() -> None:
    made = child(f"{WORKER}-r1", retry=1, shards="1,3", completions=2)
    assert shards_of(made, [1], 4, 1) == {3}
    assert shards_of(made, [5], 4, 1) == frozenset()


def test_numbers_of_another_length_are_refused_with_both_lengths() -> None:
    with pytest.raises(ValueError, match="3 numbers for 4 shards"):
        numbers("1,2,3", 4)
