"""docs/notifications.md shows what is sent, what the chart takes, and a check that works."""

import json
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from cloudevents.core.bindings.http import HTTPMessage, from_structured_event
from standardwebhooks import Webhook, WebhookVerificationError

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess.api.notify.settings import ALL, Notify
from batchprocess_operator.notify.destinations import Destination
from batchprocess_operator.notify.request import Request, request_for
from support.kube.helm import rendered
from support.operator.objects import NOW, UID, job
from support.pages import read_page, section, table

PAGE = read_page("notifications.md")
OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
FAILED = PendingMessage(
    event="Failed",
    time=NOW,
    state="Failed",
    reason="CannotWork",
    message="shard 3: ...",
    batches_done=421,
    batches_total=1000,
    rows=26_944,
    shards_failed=1,
)


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


def sent(folder: Path, kind: str = "webhook", secrets: str = OLD, ago: int = 0) -> Request:
    (folder / "secrets").write_text(secrets)
    given = {"name": "a", "type": kind, "url": "https://hooks.example"}
    destination = Destination.model_validate(given | {"signingSecretFile": str(folder / "secrets")})
    return request_for(destination, job().identity, FAILED, "eu-1", int(time.time()) - ago)


def lower(request: Request) -> dict[str, str]:
    return {name.lower(): value for name, value in request.headers.items()}


@pytest.fixture(scope="module")
def is_genuine() -> Callable[[str, dict[str, str], bytes], bool]:
    (code,) = blocks("python")
    names: dict[str, Any] = {}
    exec(code, names)
    return names["is_genuine"]  # type: ignore[no-any-return]


def test_the_check_by_hand_takes_what_is_genuine_and_nothing_else(
    is_genuine: Callable[[str, dict[str, str], bytes], bool], tmp_path: Path
) -> None:
    one = sent(tmp_path)
    assert is_genuine(OLD, lower(one), one.body)
    assert not is_genuine(NEW, lower(one), one.body)
    assert not is_genuine(OLD, lower(one), one.body + b" ")
    assert not is_genuine(OLD, lower(one) | {"webhook-id": "other"}, one.body)
    late = sent(tmp_path, ago=301)
    assert not is_genuine(OLD, lower(late), late.body)


def test_while_a_secret_is_rotated_receivers_of_both_take_a_message(
    is_genuine: Callable[[str, dict[str, str], bytes], bool], tmp_path: Path
) -> None:
    one = sent(tmp_path, secrets=f"{NEW}\n{OLD}\n")
    for secret in (OLD, NEW):
        assert is_genuine(secret, lower(one), one.body)


def test_the_library_of_standard_webhooks_takes_it(tmp_path: Path) -> None:
    one = sent(tmp_path, secrets=f"{NEW}\n{OLD}\n")
    for secret in (OLD, NEW):
        assert Webhook(secret).verify(one.body, dict(one.headers))["type"] == "job.failed"
    with pytest.raises(WebhookVerificationError):
        Webhook(OLD).verify(one.body + b" ", dict(one.headers))


def test_the_library_of_cloudevents_takes_it(tmp_path: Path) -> None:
    one = sent(tmp_path, "cloudevents")
    event = from_structured_event(HTTPMessage(dict(one.headers), one.body))
    path = "/apis/batchprocess.dev/v1alpha1/namespaces/team/batchprocessjobs/digits"
    assert event.get_id() == f"{UID}-0-failed" == one.headers["webhook-id"]
    assert event.get_source() == f"/eu-1{path}"
    assert event.get_type() == "dev.batchprocess.job.failed"
    assert event.get_subject() == UID
    assert event.get_time() == NOW
    assert event.get_data()["reason"] == "CannotWork"  # type: ignore[index,call-overload]


def test_the_message_that_the_page_shows_is_one(tmp_path: Path) -> None:
    shown, made = json.loads(blocks("json")[0]), json.loads(sent(tmp_path).body)
    own = ("namespace", "uid", "runId", "outputURI")
    for one in (shown, made):
        for name in own:
            one["data"][name] = name
    assert made == shown


def test_the_job_and_the_events_that_the_page_shows_are_as_the_models_say() -> None:
    notify = Notify.model_validate(yaml.safe_load(blocks("yaml")[0])["spec"]["notify"])
    assert notify.to == "team-slack"
    assert [row[0] for row in table(PAGE, "In a job")] == [*ALL, "Progress"]


@pytest.mark.slow
def test_the_chart_takes_the_values_that_the_page_shows() -> None:
    values = yaml.safe_load(blocks("yaml")[1])["notifications"]
    assert rendered(notifications=values)


def test_every_field_of_a_destination_is_on_the_page() -> None:
    told = set(re.findall(r"\w+", " ".join(row[0] for row in table(PAGE, "Destinations"))))
    fields = {field.alias or name for name, field in Destination.model_fields.items()}
    files = {"urlFile": "urlSecret", "signingSecretFile": "signingSecret", "caFile": "caSecret"}
    assert told == {files.get(name, name) for name in fields}
    assert "whsec_" in section(PAGE, "Signatures")
