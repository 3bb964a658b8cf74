"""Files that have come are no reason to refuse; those that are gone or changed are."""

import pytest

from batchprocess.cli.changed_input import as_the_run_reads_it, sentences
from batchprocess.protocol.dry_run import DryRunAnswer, InputChanges
from batchprocess.protocol.run import RunInfo

RUN = RunInfo(rows=10, batch_size=2, batches=5, shards=2, processor="Doubler", fingerprint="f")


def answer(found: InputChanges | None) -> DryRunAnswer:
    now = RUN.model_copy(update={"rows": 12})
    return DryRunAnswer(
        rows=12,
        batches=6,
        shards=2,
        batchSize=2,
        secondsPerBatch=None,
        run=now,
        warnings=(),
        input=found,
    )


@pytest.mark.parametrize(
    ("found", "said"),
    [
        (None, []),
        (InputChanges(), []),
        (InputChanges(added=1, first="in/x"), ["1 input file that the run has not listed"]),
        (
            InputChanges(added=2, changed=1, missing=3, first="in/x"),
            ["2 input files", "listed 1 file changed and 3 gone"],
        ),
    ],
)
def test_each_kind_has_its_sentence(found: InputChanges | None, said: list[str]) -> None:
    told = list(sentences(found))
    assert len(told) == len(said)
    for sentence, part in zip(told, said, strict=True):
        assert part in sentence
        assert "--fresh" in sentence
        assert sentence.endswith("the first: in/x")


def test_the_rows_compared_are_those_that_the_run_has_listed() -> None:
    assert as_the_run_reads_it(answer(InputChanges(added=1)), RUN) == RUN
    for unchanged in (None, InputChanges()):
        assert as_the_run_reads_it(answer(unchanged), RUN).rows == 12


def test_files_that_have_come_can_be_processed_alone_where_the_job_names_its_input() -> None:
    (told,) = sentences(InputChanges(added=1), "20260101T000000Z-1a2b")
    assert "these alone: batchprocess run --new-since 20260101T000000Z-1a2b; to process e" in told
    assert "--fresh" in told
