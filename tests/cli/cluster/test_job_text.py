"""A status in words."""

from datetime import UTC, datetime

from batchprocess.api.status import Status
from batchprocess.cli.cluster import job_text
from support.client.fake_server import ended, snapshot

NOW = datetime(2030, 1, 1, 12, tzinfo=UTC)


def status(**given: object) -> Status:
    return Status.model_validate(given)


def test_times_that_make_no_sense_are_left_out() -> None:
    assert job_text.age(snapshot(), NOW) == ""
    seen = snapshot()
    seen.raw["metadata"]["creationTimestamp"] = "2030-01-01T11:00:00Z"
    assert job_text.age(seen, NOW) == "60 min"
    naive = status(state="Running", eta="2030-01-01T13:00:00")
    assert job_text.left(naive, NOW) == ""
    assert job_text.left(status(state="Running", eta="2030-01-01T11:00:00Z"), NOW) == "1 s left"


def test_how_a_job_has_ended_is_one_sentence() -> None:
    given = ended("CompleteWithFailures", badRows=2, shards={"total": 4, "failed": 1})
    told = job_text.end("digits", Status.model_validate(given))
    assert told == "digits is CompleteWithFailures, 1 shard failed, 2 bad rows left out"
    failed = Status.model_validate(ended("Failed", "CannotWork"))
    assert job_text.end("digits", failed) == "digits has failed: CannotWork: because"


def test_pods_that_start_are_no_news() -> None:
    fact = {"type": "PodsStarting", "status": "True", "reason": "Starting", "message": "2 pods"}
    fact["lastTransitionTime"] = "2030-01-01T12:00:00Z"
    assert job_text.news(status(conditions=[fact])) == ""


def test_what_stands_most_in_the_way_is_told_with_its_sentence() -> None:
    def told(kind: str, value: str) -> dict[str, str]:
        when = "2030-01-01T12:00:00Z"
        said = {"type": kind, "status": value, "reason": f"R{kind}", "message": "m"}
        return {**said, "lastTransitionTime": when}

    both = [told("BadRows", "True"), told("Stalled", "True"), told("Failed", "True")]
    assert job_text.news(status(conditions=both)) == "RStalled: m"
    assert job_text.news(status(conditions=both[:1])) == "RBadRows: m"
    assert job_text.news(status(conditions=both[2:])) == ""
