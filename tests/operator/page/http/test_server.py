"""Requests over a real socket: what of HTTP is taken, and what is answered to the rest."""

import asyncio
import logging

import pytest

from batchprocess_operator.page.http import server as module
from batchprocess_operator.page.http.answers import Answer
from batchprocess_operator.page.http.questions import Question
from batchprocess_operator.page.http.server import serve_page


async def echo(question: Question) -> Answer:
    match question.path:
        case "/fault":
            raise RuntimeError("a fault with secret-token in it")
        case "/slow":
            await asyncio.sleep(60)
    said = f"{question.method} {question.path} {sorted(question.query)} {len(question.body)}"
    return Answer(200, said.encode(), headers=(("Set-Cookie", "a=1"), ("Set-Cookie", "b=2")))


def asked(raw: bytes) -> str:
    async def go() -> bytes:
        async with serve_page(echo, "127.0.0.1", 0) as port:
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(raw)
            try:
                return await asyncio.wait_for(reader.read(), 20)
            except ConnectionError:
                return b""
            finally:
                writer.transport.abort()

    return asyncio.run(go()).decode()


def get(path: str = "/", *more: str) -> bytes:
    return "\r\n".join([f"GET {path} HTTP/1.1", "Host: a", *more, "", ""]).encode()


def test_a_question_is_answered_with_all_headers_and_the_connection_ends():
    found = asked(get("/x?b=1&a=2"))
    assert found.startswith("HTTP/1.1 200 ")
    assert found.endswith("GET /x ['a', 'b'] 0")
    assert found.count("Set-Cookie: ") == 2
    assert found.count("Content-Type: ") == 1
    assert "Connection: close" in found
    assert "Content-Security-Policy: default-src 'none'" in found


def test_a_form_is_read():
    head = "POST /login HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n"
    assert asked(f"{head}token=abc".encode()).endswith("POST /login [] 9")


@pytest.mark.hostile
def test_a_body_is_read_so_far_and_no_further():
    head = f"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: {module.MAX_BODY + 1}\r\n\r\n".encode()
    assert " 413 " in asked(head + b"x" * (module.MAX_BODY + 1))
    chunked = b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
    assert " 413 " in asked(chunked + b"2328\r\n" + b"x" * 9_000 + b"\r\n0\r\n\r\n")


@pytest.mark.hostile
@pytest.mark.parametrize(
    "raw",
    [
        get("/", *(f"H{n}: 1" for n in range(module.MAX_HEADERS + 1))),
        get("/" + "x" * (module.MAX_LINE + 1)),
        get("/", "Cookie: " + "x" * (module.MAX_FIELD + 1)),
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x00\xa5\x01\x00\x00\xa1",
        get("/", "Content-Length: 5", "Content-Length: 6"),
    ],
    ids=["headers", "line", "field", "version", "tls", "lengths"],
)
def test_what_is_no_request_of_a_browser_is_refused_and_not_logged(
    raw: bytes, caplog: pytest.LogCaptureFixture
):
    # TLS waits for more until its time is over; everything else is told at once.
    if raw.startswith(b"\x16"):
        raw += b"\r\n\r\n"
    found = asked(raw)
    assert found == "" or " 400 " in found
    assert caplog.text == ""


def test_a_fault_is_logged_and_nothing_of_it_is_told(caplog: pytest.LogCaptureFixture):
    with caplog.at_level(logging.ERROR):
        found = asked(get("/fault"))
    assert " 500 " in found
    assert "secret" not in found
    assert "a bug of the operator" in caplog.text


def test_an_answer_that_takes_too_long_is_one_that_says_so(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(module, "ANSWER_SECONDS", 0.05)
    assert " 503 " in asked(get("/slow"))
