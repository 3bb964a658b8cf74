"""Eight rows from all parts of a dataset, fewer of a small one."""

from batchprocess.protocol.rows.sample import sample


def test_the_first_and_the_last_row_are_among_eight() -> None:
    assert sample(1) == [0]
    assert len(sample(1_000)) == 8
    assert (sample(1_000)[0], sample(1_000)[-1]) == (0, 999)
