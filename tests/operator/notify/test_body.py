"""What is sent of a message."""

import json
from typing import Any

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess_operator.notify.body import cloud_event, data_of, slack, webhook
from support.operator.objects import NOW, UID, job

ABOUT = job().identity
FAILED = PendingMessage(
    event="Failed",
    time=NOW,
    retry=2,
    state="Failed",
    reason="CannotWork",
    message="<!channel> & <https://evil.example|look>: \ud800",
    batches_done=5,
    batches_total=10,
)


def text_of(message: PendingMessage, cluster: str = "") -> str:
    made = json.loads(slack(ABOUT, message, cluster))
    assert made.pop("unfurl_links") is made.pop("unfurl_media") is False
    text = made.pop("text")
    assert made == {}
    return str(text)


def test_a_program_gets_the_job_and_what_was_so_when_it_happened() -> None:
    assert data_of(ABOUT, FAILED, "") == {
        "namespace": "team",
        "name": "digits",
        "uid": UID,
        "runId": UID,
        "outputURI": f"s3://bucket/out/digits/{UID}",
        "event": "Failed",
        "time": "2030-01-01T12:00:00Z",
        "retry": 2,
        "state": "Failed",
        "reason": "CannotWork",
        "message": FAILED.message,
        "batchesDone": 5,
        "batchesTotal": 10,
    }


def test_a_webhook_gets_type_time_and_data() -> None:
    made = json.loads(webhook(ABOUT, FAILED, "eu-1"))
    assert (made["type"], made["timestamp"]) == ("job.failed", "2030-01-01T12:00:00Z")
    assert made["data"]["cluster"] == "eu-1"


def test_a_message_is_the_same_bytes_whenever_it_is_sent() -> None:
    for make in (webhook, slack):
        assert make(ABOUT, FAILED, "x") == make(ABOUT, FAILED.model_copy(), "x")
    assert webhook(ABOUT, FAILED, "").isascii()


def test_a_cloud_event_has_an_id_that_is_the_jobs_and_a_source_that_is_the_clusters() -> None:
    def made(cluster: str) -> dict[str, Any]:
        return dict(json.loads(cloud_event(ABOUT, FAILED, cluster, "an-id")))

    path = "/apis/batchprocess.dev/v1alpha1/namespaces/team/batchprocessjobs/digits"
    assert made("")["source"] == path
    assert made("eu-1")["source"] == f"/eu-1{path}"
    assert made("")["type"] == "dev.batchprocess.job.failed"
    assert (made("")["id"], made("")["specversion"]) == ("an-id", "1.0")


def test_slack_gets_no_mention_and_no_disguised_link_of_a_tenant() -> None:
    text = text_of(FAILED)
    assert text.startswith("*digits* in team: Failed (CannotWork)\n&lt;!channel&gt; &amp; ")
    assert "<" not in text
    assert ">" not in text


def test_slack_gets_a_bounded_text() -> None:
    long = FAILED.model_copy(update={"message": "&" * 4_096})
    assert len(text_of(long)) == 3_000


def test_slack_gets_the_numbers_of_progress_and_of_an_end() -> None:
    progress = PendingMessage(
        event="Progress", time=NOW, percent=50, batches_done=5, batches_total=10
    )
    assert text_of(progress, "eu-1") == "*digits* in team of eu-1: 50%, 5 of 10 batches"
    end = PendingMessage(
        event="Complete",
        time=NOW,
        state="CompleteWithFailures",
        rows=1_234,
        bad_rows=2,
        shards_failed=1,
    )
    line = "*digits* in team: CompleteWithFailures, 1,234 rows, 2 left out, 1 shards failed"
    assert text_of(end) == f"{line}\ns3://bucket/out/digits/{UID}"
