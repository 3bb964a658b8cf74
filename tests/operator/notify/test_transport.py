"""Sending to receivers of every kind, over real connections."""

import asyncio
import socket
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import trustme

from batchprocess_operator.notify import transport as module
from batchprocess_operator.notify.outcome import Outcome
from batchprocess_operator.notify.request import Request
from support.operator.receiver import Reply, receiver


def send(url: str, **more: str) -> Outcome:
    async def go() -> Outcome:
        async with module.transport() as sender:
            return await sender.send(Request(url, {"webhook-id": "an-id"}, b"{}", **more))

    return asyncio.run(go())


@contextmanager
def bytes_back(text: bytes) -> Iterator[str]:
    """A server that answers with these bytes, whatever comes, and closes."""
    with socket.create_server(("127.0.0.1", 0)) as server:

        def serve() -> None:
            connection, _ = server.accept()
            with connection:
                connection.recv(65_536)
                connection.sendall(text)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"http://127.0.0.1:{server.getsockname()[1]}/"
        thread.join()


def test_a_message_is_posted_with_its_headers() -> None:
    with receiver() as taken:
        assert send(taken.url) == Outcome()
    (one,) = taken.seen
    assert (one.path, one.body, one.id) == ("/hook", b"{}", "an-id")
    assert "cookie" not in one.headers


def test_a_redirect_is_not_followed() -> None:
    with receiver() as inside:
        reply = Reply(307, {"Location": inside.url})
        with receiver(reply) as taken:
            assert send(taken.url).why == "it answered 307, and redirects are not followed"
    assert inside.seen == []


def test_an_answer_that_never_ends_is_not_read() -> None:
    with receiver(Reply(200, body=b"x" * 65_536, endless=True)) as taken:
        assert send(taken.url) == Outcome()


def test_a_receiver_that_answers_nothing_is_left_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "SECONDS", 0.3)
    with receiver(Reply(after=30)) as taken:
        assert send(taken.url).why.startswith("no answer in")


def test_a_busy_receiver_says_when_to_come_again() -> None:
    with receiver(Reply(429, {"Retry-After": "17"})) as taken:
        assert send(taken.url) == Outcome("it answered 429", retry_after=17)


def test_a_connection_that_breaks_is_a_failure() -> None:
    with receiver(Reply(reset=True)) as taken:
        assert send(taken.url).why == "the connection broke"


@pytest.mark.parametrize(
    "answer",
    [b"nonsense\r\n\r\n", b"HTTP/1.1 200 OK\r\nX: " + b"y" * 100_000 + b"\r\n\r\n"],
    ids=["no http", "a header without end"],
)
def test_an_answer_that_is_not_http_is_a_failure(answer: bytes) -> None:
    with bytes_back(answer) as url:
        assert send(url).why == "its answer is not HTTP"


def test_nobody_there_is_a_failure_that_names_no_address() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    why = send(f"http://127.0.0.1:{port}/secret").why
    assert why == "it cannot be reached"


def test_a_name_that_is_none_is_a_failure_that_does_not_have_it() -> None:
    assert send("http://secret-token.invalid/").why == "its name cannot be looked up"


class TestTLS:
    authority = trustme.CA()
    bundle = authority.cert_pem.bytes().decode()

    def context(self, name: str = "127.0.0.1") -> ssl.SSLContext:
        made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        self.authority.issue_cert(name).configure_cert(made)
        return made

    def test_a_certificate_of_a_given_authority_is_trusted(self) -> None:
        with receiver(tls=self.context()) as taken:
            assert send(taken.url, ca=self.bundle) == Outcome()

    def test_one_of_nobody_we_know_is_not_and_gets_nothing(self) -> None:
        with receiver(tls=self.context()) as taken:
            assert send(taken.url).why == "its certificate is not trusted"
        assert taken.seen == []

    def test_one_of_another_name_is_not(self) -> None:
        with receiver(tls=self.context("other.example")) as taken:
            assert send(taken.url, ca=self.bundle).why == "its certificate is not trusted"

    def test_plain_http_is_no_tls(self) -> None:
        with receiver() as taken:
            url = taken.url.replace("http://", "https://")
            assert send(url, ca=self.bundle).why == "it speaks no TLS that we trust"

    def test_a_bundle_that_is_none_is_said(self) -> None:
        assert "CA bundle" in send("https://127.0.0.1:1/", ca="nonsense").why


class TestAProxy:
    def test_of_the_environment_is_not_used(self, monkeypatch: pytest.MonkeyPatch) -> None:
        with receiver() as proxy, receiver() as taken:
            monkeypatch.setenv("HTTP_PROXY", proxy.url)
            monkeypatch.setenv("http_proxy", proxy.url)
            assert send(taken.url) == Outcome()
        assert proxy.seen == []

    def test_that_is_named_is_used(self) -> None:
        with receiver() as proxy:
            assert send("http://hooks.invalid/x", proxy=proxy.url) == Outcome()
        assert proxy.seen[0].path == "http://hooks.invalid/x"
