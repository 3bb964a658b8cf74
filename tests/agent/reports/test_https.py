"""Reports to the operator: one pinned CA, and every kind of server that is not as it should be."""

import contextlib
import socket
import ssl
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import trustme

from batchprocess.agent.reports.delivery import Answer
from batchprocess.agent.reports.https import HttpsReporter
from batchprocess.agent.reports.mailbox import MailedReporter
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess_operator.endpoint.limits import Limits
from batchprocess_operator.listen.meters import Rate
from support.operator.fake_pods import POD, report
from support.operator.progress_server import ProgressServer, progress_server

BODY = report(3).model_dump_json().encode()
PATIENCE = 60


@pytest.fixture
def operator() -> Iterator[ProgressServer]:
    with progress_server() as server:
        yield server


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    return tmp_path / "token"


def settings(url: str, ca: str, token_file: Path, **more: object) -> WorkerEnvironment:
    return WorkerEnvironment(
        job="20260101T000000Z-x",
        job_name="j",
        run_uri=str(token_file.parent / "run"),
        shards=4,
        progress_url=url,
        progress_ca=ca,
        progress_token_file=str(token_file),
        **more,
    )


def reporter_to(server: ProgressServer, token_file: Path, ca: str | None = None) -> HttpsReporter:
    token_file.write_text(server.issuer.token(POD) + "\n")
    return HttpsReporter.open(settings(server.url, ca or server.ca, token_file), timeout=PATIENCE)


Behave = Callable[[socket.socket], None]


@contextlib.contextmanager
def odd_server(behave: Behave, authority: trustme.CA) -> Iterator[str]:
    """A server with a good certificate that then does as it likes, on each connection."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    with (
        socket.create_server(("127.0.0.1", 0)) as listener,
        contextlib.ExitStack() as connections,
    ):

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    plain, _ = listener.accept()
                    try:
                        connection = context.wrap_socket(plain, server_side=True)
                    except OSError:
                        plain.close()
                        continue
                    connections.enter_context(connection)
                    behave(connection)

        thread = threading.Thread(target=serve)
        thread.start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()


def to_odd_server(
    behave: Behave, token_file: Path, *, timeout: float = PATIENCE, times: int = 1
) -> list[Answer]:
    """What the reporter makes of it."""
    authority = trustme.CA()
    ca = authority.cert_pem.bytes().decode()
    token_file.write_text("token")
    with odd_server(behave, authority) as url:
        reporter = HttpsReporter.open(settings(url, ca, token_file), timeout=timeout)
        answers = [reporter.post(BODY) for _ in range(times)]
        reporter.close()
        return answers


def hear(connection: socket.socket) -> None:
    """All of a report: closing with something unread would destroy the answer on its way."""
    while data := connection.recv(65_536):
        if data.endswith(b"}"):
            return


def says(raw: bytes) -> Behave:
    def behave(connection: socket.socket) -> None:
        hear(connection)
        connection.sendall(raw)
        connection.close()

    return behave


def test_a_report_arrives_at_the_operators_own_server(operator, token_file):
    reporter = reporter_to(operator, token_file)
    assert reporter.post(BODY) == Answer()
    reporter.close()
    assert operator.arrivals.taken == [report(3)]


def test_the_token_is_read_anew_for_each_report(operator, token_file):
    reporter = reporter_to(operator, token_file)
    assert reporter.post(BODY) == Answer()
    token_file.write_text(operator.issuer.token(POD, exp=1))
    assert reporter.post(BODY) == Answer("401 the token has expired")
    token_file.write_text(operator.issuer.token(POD))
    assert reporter.post(BODY) == Answer()
    reporter.close()


def test_a_server_under_another_ca_is_not_spoken_to(operator, token_file):
    other = trustme.CA().cert_pem.bytes().decode()
    answer = reporter_to(operator, token_file, other).post(BODY)
    assert "CERTIFICATE_VERIFY_FAILED" in answer.problem
    assert operator.arrivals.taken == []


def test_a_server_under_the_right_ca_but_another_name_is_not_spoken_to(operator, token_file):
    token_file.write_text(operator.issuer.token(POD))
    url = operator.url.replace("127.0.0.1", "localhost")
    answer = HttpsReporter.open(settings(url, operator.ca, token_file)).post(BODY)
    assert "CERTIFICATE_VERIFY_FAILED" in answer.problem
    assert operator.arrivals.taken == []


def test_no_other_ca_is_trusted_whatever_the_system_or_environment_says(
    operator, token_file, tmp_path, monkeypatch
):
    (tmp_path / "system.pem").write_text(operator.ca)
    monkeypatch.setenv("SSL_CERT_FILE", str(tmp_path / "system.pem"))
    other = trustme.CA().cert_pem.bytes().decode()
    assert (
        "CERTIFICATE_VERIFY_FAILED" in reporter_to(operator, token_file, other).post(BODY).problem
    )


def test_a_proxy_of_the_environment_is_not_used(operator, token_file, monkeypatch):
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    reporter = reporter_to(operator, token_file)
    assert reporter.post(BODY) == Answer()
    reporter.close()


def test_a_429_becomes_the_wait_that_the_server_asks_for(token_file):
    with progress_server(Limits(pod=Rate(100, burst=1))) as operator:
        reporter = reporter_to(operator, token_file)
        assert reporter.post(BODY) == Answer()
        problem, wait = reporter.post(BODY)
        reporter.close()
    assert problem is None
    assert 90 < wait <= 100


@pytest.mark.parametrize("header", [b"", b"Retry-After: soon\r\n", b"Retry-After: -5\r\n"])
def test_a_429_without_a_sensible_wait_is_a_wait_of_the_usual_length(header, token_file):
    answer = b"HTTP/1.1 429 Too Many\r\nContent-Length: 0\r\n" + header + b"\r\n"
    assert to_odd_server(says(answer), token_file) == [Answer(wait=0.0)]


def test_an_operator_that_restarts_is_found_again(token_file):
    with progress_server() as first:
        reporter = reporter_to(first, token_file)
        assert reporter.post(BODY) == Answer()
        port = first.port
    assert "ConnectionRefusedError" in reporter.post(BODY).problem
    # It comes back with the CA of its Secret, which is what the first one used.
    with progress_server(port=port, secret=first.secret) as second:
        assert reporter.post(BODY) == Answer()
        assert second.arrivals.taken == [report(3)]
        reporter.close()


def test_a_connection_that_the_server_ended_while_idle_costs_no_report(token_file):
    good = b"HTTP/1.1 204 No Content\r\n\r\n"
    # Each connection is good for one report, which the client cannot know.
    assert to_odd_server(says(good), token_file, times=3) == [Answer()] * 3


def test_one_connection_serves_many_reports(operator, token_file):
    reporter = reporter_to(operator, token_file)
    ports = set()
    for _ in range(3):
        assert reporter.post(BODY) == Answer()
        ports.add(reporter._connection.sock.getsockname()[1])
    reporter.close()
    assert len(ports) == 1


@pytest.mark.parametrize(
    ("raw", "problem"),
    [
        (b"220 mail.example ESMTP\r\n", "BadStatusLine: 220 mail.example ESMTP"),
        (b"\x00\xff" * 50, "BadStatusLine"),
        (b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1_000, "got more than 100 headers"),
        (b"HTTP/1.1 " + b"9" * 70_000, "LineTooLong"),
        (b"HTTP/1.1 500 Oops\r\n\r\n<html>", "500 without a word that we understand"),
        (b"HTTP/1.1 307 Go\r\nLocation: https://elsewhere/\r\nContent-Length: 0\r\n\r\n", "307"),
        (b'HTTP/1.1 422 No\r\n\r\n{"error": "bad\\u001b[31m\\nfield"}', "422 bad [31m field"),
        (b'HTTP/1.1 403 No\r\n\r\n{"error": "' + b"x" * 900 + b'"}', "403 x"),
        (b"HTTP/1.1 403 No\r\n\r\n[]", "403 without"),
        (b"HTTP/1.1 204 No\r\nContent-Length: junk\r\n\r\n", None),
        (b"HTTP/1.1 200 OK\r\nContent-Length: 99999999\r\n\r\n" + b"x" * 5_000, None),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "IncompleteRead"),
        (b"", "RemoteDisconnected"),
    ],
)
def test_whatever_a_server_answers_becomes_a_short_plain_problem_or_none(raw, problem, token_file):
    (answer,) = to_odd_server(says(raw), token_file)
    if problem is None:
        assert answer.problem is None
    else:
        assert problem in answer.problem
        assert len(answer.problem) <= 310
        assert answer.problem.isprintable()


def test_a_server_that_never_answers_is_given_up(token_file):
    (answer,) = to_odd_server(lambda _: None, token_file, timeout=0.1)
    assert answer.problem == "TimeoutError: The read operation timed out"


def test_a_server_that_speaks_no_tls_is_a_problem_and_gets_no_token(token_file):
    token_file.write_text("the-token")
    ca = trustme.CA().cert_pem.bytes().decode()
    received = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            connection, _ = listener.accept()
            with connection:
                received.append(connection.recv(65_536))
                connection.sendall(b"HTTP/1.1 204 No Content\r\n\r\n")

        thread = threading.Thread(target=serve)
        thread.start()
        url = f"https://127.0.0.1:{listener.getsockname()[1]}"
        answer = HttpsReporter.open(settings(url, ca, token_file)).post(BODY)
        thread.join()
    assert "SSLError" in answer.problem
    assert b"the-token" not in b"".join(received)


@pytest.mark.parametrize("content", [b"", b"  \n", b"one\ntwo", b"\xff\xfe", b"caf\xc3\xa9", None])
def test_a_token_file_that_holds_no_token_is_a_problem_that_does_not_repeat_it(
    content, operator, token_file
):
    reporter = reporter_to(operator, token_file)
    token_file.unlink()
    if content is not None:
        token_file.write_bytes(content)
    problem = reporter.post(BODY).problem
    assert "token" in problem or "decode" in problem
    assert "two" not in problem
    assert operator.arrivals.taken == []


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"progress_url": "http://host:1"}, "must be https://host:port, found 'http://host:1'"),
        ({"progress_url": "https://"}, "must be https://host:port"),
        ({"progress_url": "https://host:port"}, "Port could not be cast"),
        ({"progress_ca": None}, "BATCHPROCESS_PROGRESS_CA is not"),
        ({"progress_ca": ""}, "BATCHPROCESS_PROGRESS_CA is no PEM certificate"),
        ({"progress_ca": "-----BEGIN CERTIFICATE-----\njunk"}, "is no PEM certificate"),
        ({"progress_token_file": None}, "BATCHPROCESS_PROGRESS_TOKEN_FILE is not"),
    ],
)
def test_an_environment_that_makes_no_sense_is_one_line_and_the_work_goes_on(
    change, sentence, token_file, capsys
):
    good = settings("https://host:1", trustme.CA().cert_pem.bytes().decode(), token_file)
    reporter = MailedReporter(good.model_copy(update=change))
    reporter.report(report(3))
    reporter._thread.join(PATIENCE)
    reporter.last(report(3))
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("agent: no progress reports will be sent: ")
    assert sentence in line


def run_agent(environment: WorkerEnvironment) -> "subprocess.CompletedProcess[str]":
    """An agent whose command does nothing: exit code 1, and a sentence about that."""
    return subprocess.run(
        [sys.executable, "-m", "batchprocess.agent", "--", "true"],
        env=environment.to_env(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


SENTENCE = "the command ended with exit code 0 without sealing shard 0: does it call"


@pytest.mark.slow
def test_an_agent_ends_as_ever_while_its_server_still_hangs(token_file):
    token_file.write_text("token")
    authority = trustme.CA()
    received, over = threading.Event(), threading.Event()

    def hang(connection: socket.socket) -> None:
        connection.recv(65_536)
        received.set()
        over.wait(PATIENCE)

    with odd_server(hang, authority) as url:
        ca = authority.cert_pem.bytes().decode()
        ended = run_agent(settings(url, ca, token_file))
        # The agent is gone, and its server has not answered yet.
        assert received.is_set()
        over.set()
    assert ended.returncode == 1
    assert SENTENCE in ended.stderr.splitlines()[-1]


@pytest.mark.slow
@pytest.mark.parametrize("trouble", ["dead", "garbage", "untrusted", "senseless"])
def test_an_agent_ends_as_ever_whatever_is_wrong_with_its_server(trouble, token_file):
    token_file.write_text("token")
    authority, other = trustme.CA(), trustme.CA()
    with odd_server(says(b"220 mail.example ESMTP\r\n"), authority) as url:
        ca = (other if trouble == "untrusted" else authority).cert_pem.bytes().decode()
        addresses = {"dead": "https://127.0.0.1:9", "senseless": "ftp://nowhere"}
        ended = run_agent(settings(addresses.get(trouble, url), ca, token_file))
    assert ended.returncode == 1
    assert SENTENCE in ended.stderr.splitlines()[-1]
