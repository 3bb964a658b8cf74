"""`plan` says which rows a job wants, where it does not want all."""

from batchprocess.cli.commands.plan_rows import as_json, lines
from batchprocess.protocol.run import Asked, AskedRows, ListedRows
from support.storage.made_run import RUN


def test_of_a_job_that_wants_all_rows_nothing_is_said() -> None:
    assert list(lines(RUN)) == []
    assert as_json(RUN) == {"badRowsOf": None, "datasetRows": 10, "skip": []}


def test_the_run_and_the_rows_that_are_left_out_by_hand_are_named() -> None:
    about = ListedRows(bad_rows_of="a-run", dataset_rows=400, sha256="0" * 64)
    asked = Asked(shards=2, rows=AskedRows(bad_rows_of="a-run", skip=(7, 9)))
    run = RUN.model_copy(update={"listed": about, "asked": asked})
    assert list(lines(run)) == [
        "over: the rows that run a-run has left out, of 400 rows",
        "left out by hand, where they are among these: rows 7, 9",
    ]
    assert as_json(run) == {"badRowsOf": "a-run", "datasetRows": 400, "skip": [7, 9]}
