"""Destinations as the platform sets them up; what is wrong is said, without what may be secret."""

import json
from typing import Any

import pytest

from batchprocess_operator.notify.destinations import (
    MAX_DESTINATIONS,
    MAX_URL,
    DestinationError,
    check_url,
    read_destinations,
)

PLAIN = {"name": "a", "type": "webhook", "url": "https://hooks.example/x"}


def read(*destinations: dict[str, Any], **more: Any) -> Any:
    return read_destinations(json.dumps({"destinations": destinations, **more}))


def test_all_that_may_be_said_is_read() -> None:
    secret = {"name": "b", "type": "slack", "urlFile": "/u", "namespaces": ["team"]}
    made = read(PLAIN | {"signingSecretFile": "/s", "caFile": "/c"}, secret, cluster="eu-1")
    assert [one.name for one in made.destinations] == ["a", "b"]
    assert made.destinations[0].serves("any")
    assert not made.destinations[1].serves("any")
    assert made.destinations[1].serves("team")
    assert read_destinations("").destinations == ()


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"url": None}, "give either its URL"),
        ({"urlFile": "/u"}, "give either its URL"),
        ({"type": "mail"}, "destinations.0.type"),
        ({"name": "A"}, "destinations.0.name"),
        ({"namespaces": ["*"]}, "destinations.0.namespaces.0"),
        ({"colour": 1}, "destinations.0.colour: Extra inputs"),
        ({"type": "slack", "signingSecretFile": "/s"}, "Slack checks no signatures"),
        ({"url": "ftp://secret.example"}, "a URL is such as"),
        ({"url": "https://me:secret@hooks.example"}, "belongs into a Secret"),
        ({"proxy": "socks://secret"}, "destinations.0.proxy: a URL is such as"),
    ],
    ids=str,
)
def test_what_is_wrong_is_named_and_never_quoted(change: dict[str, Any], words: str) -> None:
    with pytest.raises(DestinationError) as caught:
        read(PLAIN | change)
    assert words in str(caught.value)
    assert "secret.example" not in str(caught.value)
    assert "me:secret" not in str(caught.value)


def test_names_differ_and_are_not_too_many() -> None:
    with pytest.raises(DestinationError, match="there are two destinations a"):
        read(PLAIN, PLAIN)
    many = [PLAIN | {"name": f"a{number}"} for number in range(MAX_DESTINATIONS)]
    assert len(read(*many).destinations) == MAX_DESTINATIONS
    with pytest.raises(DestinationError, match="at most 50 items"):
        read(*many, PLAIN)


def test_text_that_is_no_json_is_no_setting() -> None:
    with pytest.raises(DestinationError, match="the whole: Invalid JSON"):
        read_destinations("{'secret'")


@pytest.mark.parametrize("url", ["https://a", "http://a.b:80/x?y=%20", "https://[::1]:8/"])
def test_an_address_is_one(url: str) -> None:
    check_url(url)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hooks.example",
        "file:///etc/passwd",
        "https:///x",
        "https://a b/",
        "https://a/\r\nHost: b",
        "https://a:99999/",
        "https://a:0/",
        "https://[::1/",
        "https://ä.example/",
        "https://a/" + "x" * MAX_URL,
    ],
    ids=lambda url: url[:30],
)
def test_what_is_none_is_refused_without_a_word_of_it(url: str) -> None:
    with pytest.raises(ValueError, match="a URL ") as caught:
        check_url(url)
    assert not url or url not in str(caught.value)
