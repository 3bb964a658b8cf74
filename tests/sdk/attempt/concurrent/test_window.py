"""Which batches may begin, and which are finished with all before them."""

import random

from batchprocess.sdk.attempt.concurrent.window import Window
from batchprocess.sdk.output.batch_in_work import BatchInWork
from batchprocess.sdk.output.concurrent.batch_outputs import BatchOutputs


def outputs(index: int) -> BatchOutputs:
    return BatchOutputs(index, index, BatchInWork((index,)))


def test_whatever_order_they_end_in_all_are_taken_once_and_in_order() -> None:
    for seed in range(200):
        rng = random.Random(seed)
        cursor, limit = rng.randrange(5), rng.randrange(1, 9)
        window, under_way, taken = Window(cursor, 40, limit), list[int](), list[int]()
        while window.first < window.total:
            if window.has_room and rng.random() < 0.6:
                under_way.append(window.begin())
            elif under_way:
                window.finish(outputs(under_way.pop(rng.randrange(len(under_way)))))
            taken += [one.index for one in window.take_finished()]
            assert window.under_way == len(under_way)
            assert window.next - window.first <= limit
        assert taken == list(range(cursor, 40))
        assert not window.has_room


def test_one_that_is_not_taken_to_the_end_stays_in_front() -> None:
    window = Window(0, 4, 4)
    for _ in range(3):
        window.finish(outputs(window.begin()))
    for one in window.take_finished():
        if one.index == 1:
            break
    assert window.first == 1
    assert [one.index for one in window.take_finished()] == [1, 2]
