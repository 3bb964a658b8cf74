"""The request of a try: Secrets are read anew, and what is wrong with them is said without them."""

from pathlib import Path
from typing import Any

import pytest

from batchprocess.api.notify.outbox import PendingMessage
from batchprocess_operator.notify.destinations import Destination, DestinationError
from batchprocess_operator.notify.request import Request, request_for
from support.operator.objects import NOW, UID, job

OLD = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
NEW = "whsec_AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
MESSAGE = PendingMessage(event="Failed", time=NOW, message="a\r\nX-Evil: 1")


def made(**fields: Any) -> Request:
    given = {"name": "a", "type": "webhook"} | fields
    destination = Destination.model_validate(given)
    return request_for(destination, job().identity, MESSAGE, "", 1_700_000_000)


def test_a_rotated_secret_and_url_are_those_of_the_next_try(tmp_path: Path) -> None:
    url, secret = tmp_path / "url", tmp_path / "secret"
    files = {"urlFile": str(url), "signingSecretFile": str(secret)}
    url.write_text("https://one.example/\n")
    secret.write_text(OLD)
    before = made(**files)
    url.write_text("https://two.example/")
    secret.write_text(f"{NEW}\n{OLD}\n")
    after = made(**files)
    assert (before.url, after.url) == ("https://one.example/", "https://two.example/")
    assert after.headers["webhook-signature"].endswith(before.headers["webhook-signature"])


def test_headers_have_nothing_that_a_tenant_writes() -> None:
    headers = made(url="https://a.example").headers
    assert headers.keys() == {"Content-Type", "User-Agent", "webhook-id", "webhook-timestamp"}
    assert headers["webhook-id"] == f"{UID}-0-failed"
    assert "Evil" not in str(headers)


@pytest.mark.parametrize(("kind", "content"), [("slack", "json"), ("cloudevents", "cloudevents")])
def test_a_kind_has_its_content_type(kind: str, content: str) -> None:
    headers = made(type=kind, url="https://a.example").headers
    assert headers["Content-Type"].startswith("application/")
    assert content in headers["Content-Type"]
    assert ("webhook-id" in headers) == (kind != "slack")


@pytest.mark.parametrize(
    ("field", "what", "text"),
    [
        ("urlFile", "URL", "not-a-secret-address"),
        ("urlFile", "URL", "hö"),
        ("signingSecretFile", "signing secret", "not-a-secret"),
        ("signingSecretFile", "signing secret", ""),
    ],
)
def test_a_secret_that_cannot_be_used_is_said_without_it(
    field: str, what: str, text: str, tmp_path: Path
) -> None:
    (tmp_path / "it").write_text(text)
    rest = {} if field == "urlFile" else {"url": "https://a.example"}
    with pytest.raises(DestinationError, match=f"^its {what}") as caught:
        made(**rest, **{field: str(tmp_path / "it")})
    assert not text or text not in str(caught.value)


@pytest.mark.parametrize("field", ["urlFile", "signingSecretFile", "caFile"])
def test_a_secret_that_is_not_there_is_said_and_nothing_is_sent_without_it(
    field: str, tmp_path: Path
) -> None:
    rest = {} if field == "urlFile" else {"url": "https://a.example"}
    with pytest.raises(DestinationError, match="cannot be read from the Secret: No such file"):
        made(**rest, **{field: str(tmp_path / "missing")})


def test_of_a_file_that_is_too_large_the_rest_is_not_read(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://a.example/" + " " * (1 << 20) + "x")
    assert made(urlFile=str(tmp_path / "url")).url == "https://a.example/"


def test_a_request_that_is_shown_shows_nothing_secret(tmp_path: Path) -> None:
    (tmp_path / "url").write_text("https://hooks.example/T0/secret")
    assert "secret" not in repr(made(urlFile=str(tmp_path / "url")))
