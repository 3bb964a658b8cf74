"""How far an index is, is said about once a second, and only when it comes further."""

from batchprocess.data.index.progress import Progress


def test_bytes_of_all_are_told_no_more_than_once_a_second() -> None:
    told: list[tuple[int, int]] = []
    now = 0.0
    progress = Progress(lambda done, total: told.append((done, total)), lambda: now)
    progress.add(0)
    assert told == []
    now = 1.5
    progress.add(0)
    now = 3.0
    progress.begin(100)
    now = 3.5
    progress.add(30)
    now = 4.5
    progress.add(30)
    now = 6.0
    progress.add(60)
    assert told == [(0, 0), (0, 100), (60, 100), (100, 100)]
