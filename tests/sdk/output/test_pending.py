"""What user code reported since the last commit, all of it once."""

import threading

import torch

from batchprocess.protocol.bad_rows import BadRow, decode_bad_rows
from batchprocess.protocol.run import RunInfo
from support.contexts import context, made_pending


def test_threads_of_user_code_lose_no_file_and_no_metric(tmp_path):
    pending = made_pending(tmp_path)
    made = context(tmp_path, pending)
    updates = made.wrap_reducer(list, name="all")
    boundaries = []

    def work(thread):
        for number in range(50):
            updates.update(number)
            made.report_metrics(f"thread{thread}", number, {"a": 1})
            with made.upload_path() as path:
                (path / f"{thread}-{number}").touch()

    threads = [threading.Thread(target=work, args=(thread,)) for thread in range(8)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        try:
            boundaries.append(pending.cut_commit((0, 1), (0, 1)))
        except RuntimeError:
            continue  # a block was open: what was reported must not be lost by that
    for thread in threads:
        thread.join()
    boundaries.append(pending.cut_commit((0, 1), (0, 1)))
    assert sum(len(one.metrics) for one in boundaries) == 400
    assert sum(len(one.reducers[0].entry.value) for one in boundaries) == 400
    assert len({name for one in boundaries for name in one.files}) == 400


def test_nothing_is_left_of_what_was_committed(tmp_path):
    pending = made_pending(tmp_path)
    # Of a run from before there were tables, whose names may have folders.
    pending.begin(RunInfo(rows=2, batch_size=1, batches=2, shards=1, processor="P"))
    made = context(tmp_path, pending)
    for number in range(3):
        with made.upload_path() as path:
            (path / "sub" / "deep").mkdir(parents=True)
            (path / "sub" / f"{number}").touch()
            (path / f"{number}").touch()
        with made.upload_path():
            pass
    made.save("sub/rows.npy", torch.ones(2), ids=["a", "b"])
    made.save("rows.jsonl", torch.ones(2), ids=["a", "b"])
    first = pending.cut_commit((0, 1), (0, 1))
    with made.upload_path() as path:
        (path / "0").touch()
    made.save("rows.jsonl", torch.ones(2), ids=["a", "b"])
    second = pending.cut_commit((1, 2), (1, 2))
    assert len(first.draft().files) == 9
    first.discard()
    assert [file.name for _, file in sorted(second.paths().items())] == ["0", "rows.jsonl"]
    assert all(file.exists() for file in second.paths().values())
    second.discard()
    assert set(tmp_path.rglob("*")) == {pending.staging.saved.parent, pending.staging.saved}


def test_reported_models_are_kept_with_the_next_commit(tmp_path):
    pending = made_pending(tmp_path)
    made = context(tmp_path, pending)
    made.report_task_using_model_version("resnet:3")
    made.report_task_using_checkpoint("s3://models/1")
    assert pending.cut_commit((0, 1), (0, 1)).models == (
        {"model_version": "resnet:3"},
        {"checkpoint": "s3://models/1"},
    )


def test_a_large_value_goes_beside_its_record(tmp_path):
    pending = made_pending(tmp_path)
    made = context(tmp_path, pending).wrap_reducer(list, name="big")
    made.update("x" * 20_000)
    (entry,) = pending.cut_commit((0, 1), (0, 1)).reducers
    assert entry.entry.value is None
    assert entry.staged is not None
    assert entry.staged.size > 20_000


def bad(row, batch=0, **more):
    return BadRow(row=row, batch=batch, stage="reading", type="E", traceback="t" * 100, **more)


def test_a_bad_row_is_in_the_commit_of_its_batch_and_what_is_said_first_of_it_counts(tmp_path):
    pending = made_pending(tmp_path)
    for row in (9, 1, 0):
        pending.add_bad_row(bad(row, row // 4))
    pending.add_bad_row(bad(1, message="second"))
    assert [one.row for one in pending.cut_commit((0, 1), (0, 4)).bad_rows] == [1, 0]
    draft = pending.cut_commit((1, 3), (4, 12)).draft()
    (only,) = decode_bad_rows(draft.bad_rows.staged.source.splitlines(), "k")
    assert (draft.bad_rows.count, only) == (1, bad(9, 2))
    assert pending.cut_commit((3, 4), (12, 16)).draft().bad_rows is None


def test_threads_lose_no_bad_row_and_only_the_first_thousand_have_tracebacks(tmp_path):
    pending = made_pending(tmp_path)
    threads = [
        threading.Thread(
            target=lambda first: [pending.add_bad_row(bad(first + n)) for n in range(500)],
            args=(500 * number,),
        )
        for number in range(4)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    kept = pending.cut_commit((0, 1), (0, 2_000)).bad_rows
    assert len(kept) == 2_000
    assert sum(bool(one.traceback) for one in kept) == 1_000
