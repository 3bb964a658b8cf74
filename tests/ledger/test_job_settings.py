"""What a job asks for, compared with what its run was started for."""

import math

import pytest

from batchprocess.ledger.job_settings import (
    differ_in_command,
    require_as_asked,
    require_of_run,
    require_same_hparams,
)
from batchprocess.ledger.run import open_run, require_same
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess.protocol.errors import RunMismatch
from batchprocess.protocol.run import Asked, AskedRows
from batchprocess.runs.perform import perform
from support.storage.fake_storage import FakeMemoryStorage
from support.storage.made_run import RUN

ASKED = Asked(shards=2, batch_size=4, hparams={"tag": "A", "depth": [1, 2]}, command="digest")


def test_other_bad_rows_are_another_run_and_rows_left_out_by_hand_are_not():
    def asked(run, *skip):
        return ASKED.model_copy(update={"rows": AskedRows(bad_rows_of=run, skip=skip)})

    require_same_hparams(asked("a", 1), asked("a", 2), "so")
    require_same_hparams(asked(None, 1), ASKED, "so")
    with pytest.raises(RunMismatch, match=r'rows\.badRowsOf is "a", but .* with "b"; do as it'):
        require_same_hparams(asked("a"), asked("b"), "so")
    for compare in (require_same_hparams, require_as_asked):
        with pytest.raises(RunMismatch, match=r"rows\.badRowsOf is not set, but .* with \"b\""):
            compare(ASKED, asked("b"), "so")


@pytest.mark.parametrize(
    ("hparams", "sentence"),
    [
        ({"tag": "B", "depth": [1, 2]}, r'hparams\.tag is "B", but .* with "A"; do as it did'),
        ({"tag": "A", "depth": [2, 1]}, r"hparams\.depth is \[2, 1\], but .* with \[1, 2\]"),
        ({"tag": "A"}, r"hparams\.depth is not set, but .* with \[1, 2\]"),
        ({**ASKED.hparams, "new": 1}, r"hparams\.new is 1, but .* started without it; do"),
        ({"tag": "x" * 99, "depth": [1, 2]}, r'"x{59}\.\.\., but'),
    ],
)
def test_other_hparams_are_named_with_both_values(hparams, sentence):
    mine = ASKED.model_copy(update={"hparams": hparams})
    with pytest.raises(RunMismatch, match=sentence):
        require_same_hparams(mine, ASKED, "so")
    with pytest.raises(RunMismatch, match=r"start another run \(so\)"):
        require_as_asked(mine, ASKED, "so")


def test_a_run_is_opened_with_equal_hparams_only():
    store, run = FakeMemoryStorage(), RUN.model_copy(update={"asked": ASKED})
    perform(open_run(run), store)
    assert perform(open_run(run), store) == run
    other = run.model_copy(update={"asked": ASKED.model_copy(update={"hparams": {}})})
    with pytest.raises(RunMismatch, match=r"hparams\.depth is not set"):
        perform(open_run(other, "so"), store)


def test_a_run_from_before_they_were_kept_takes_any():
    require_same(RUN.model_copy(update={"asked": ASKED}), RUN)
    require_as_asked(ASKED, None, "so")
    assert not differ_in_command(ASKED, None)
    assert not differ_in_command(ASKED, ASKED.model_copy(update={"command": None}))


@pytest.mark.parametrize("value", [math.nan, math.inf, (1, 2), 2**70, 0.1, {"b": 1, "a": None}])
def test_whatever_a_job_can_say_equals_what_was_kept_of_it(value):
    environment = WorkerEnvironment(
        job="j", job_name="n", run_uri="/r", shards=1, hparams={"it": value}
    )
    asked = Asked.of(environment)
    assert Asked.model_validate_json(asked.model_dump_json()) == asked
    require_as_asked(Asked.of(environment), asked, "so")


def test_another_command_alone_stops_nobody_but_is_no_result_of_this_job():
    other = ASKED.model_copy(update={"command": "another"})
    require_same_hparams(other, ASKED, "so")
    assert differ_in_command(other, ASKED)
    with pytest.raises(RunMismatch, match="command is not the one that this run was started with"):
        require_as_asked(other, ASKED, "so")


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"shards": 3}, "shards is 3, but this run was started with 2; do as it did"),
        ({"batch_size": 8}, "batchSize is 8, but this run was started with 2"),
        ({"hparams": {"tag": "B"}}, "hparams.tag is .B., but .* with .A."),
    ],
)
def test_who_finalizes_must_be_of_a_job_that_asked_for_this_run(change, sentence):
    asked = Asked(shards=2, batch_size=2, hparams={"tag": "A"})
    run = RUN.model_copy(update={"asked": asked})
    require_of_run(asked, run, "so")
    require_of_run(asked.model_copy(update={"batch_size": None, "command": "other"}), run, "so")
    with pytest.raises(RunMismatch, match=sentence):
        require_of_run(asked.model_copy(update=change), run, "so")
