"""The endpoint over real TLS: what gets through, what is refused, and that nothing breaks it."""

import asyncio
import contextlib
import json
import socket
import ssl
import zlib
from asyncio.sslproto import SSLProtocol
from dataclasses import replace

import aiohttp
import pytest

from batchprocess.protocol.progress import MAX_REPORT_BYTES, REPORTS_PATH
from batchprocess_operator.endpoint.limits import Limits, Rate
from batchprocess_operator.endpoint.server import Bounds
from support.operator.fake_issuer import FakeIssuer
from support.operator.fake_pods import POD, report
from support.operator.progress_server import GENEROUS, ProgressServer, progress_server


@pytest.fixture
def server():
    with progress_server(GENEROUS) as made:
        yield made


def trusting(ca: str) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cadata=ca)
    return context


def send(server: ProgressServer, **options):
    """One request: status, JSON body or None, headers."""

    async def go():
        connector = aiohttp.TCPConnector(ssl=trusting(server.ca))
        async with aiohttp.ClientSession(connector=connector) as session:
            method = options.pop("method", "POST")
            url = server.url + options.pop("path", REPORTS_PATH)
            async with session.request(method, url, **options) as answer:
                body = await answer.read()
        if answer.headers.get("Connection") == "close":
            # Closing a session waits for the connections that it holds only, and this one it has
            # given up: its TLS says goodbye in its own time, and needs the loop for that.
            await asyncio.sleep(0.25)
        return answer.status, json.loads(body) if body else None, dict(answer.headers)

    return asyncio.run(go())


def post(server: ProgressServer, body: bytes | None = None, token: str | None = None):
    """A report, good unless told otherwise."""
    if body is None:
        body = report(3, 4).model_dump_json().encode()
    token = server.issuer.token(POD) if token is None else token
    return send(server, data=body, headers={"Authorization": f"Bearer {token}"})


def test_a_good_report_is_taken(server):
    assert post(server)[:2] == (204, None)
    assert server.arrivals.store.newest(POD.job_uid)[3].progress.cursor == 10


@pytest.mark.parametrize(
    "change",
    [
        "forged",
        "expired",
        "not yet valid",
        "wrong issuer",
        "unsigned",
        "foreign audience",
        "foreign job",
        "foreign pod",
        "dead pod",
        "no token",
    ],
)
def test_a_report_without_the_pods_own_token_changes_nothing(server, change):
    sign, stranger = server.issuer.token, FakeIssuer(kid="stranger")
    head, body, _ = sign(POD).split(".")
    tokens = {
        "forged": stranger.sign(stranger.claims(POD), kid="first"),
        "expired": sign(POD, exp=1),
        "not yet valid": sign(POD, nbf=2**33),
        "wrong issuer": sign(POD, iss="https://elsewhere"),
        "unsigned": f"{head}.{body}.",
        "foreign audience": sign(POD, aud=["https://kubernetes.default.svc"]),
        "foreign job": sign(replace(POD, job_uid="another")),
        "foreign pod": sign(replace(POD, uid="another")),
        "dead pod": sign(POD),
        "no token": "",
    }
    if change == "dead pod":
        server.pods.change(alive=False)
    status, said, _ = post(server, token=tokens[change])
    assert status == 401
    assert set(said) == {"error"}
    assert server.arrivals.taken == []


def test_a_report_on_a_shard_of_another_pod_is_refused_as_a_whole(server):
    status, said, _ = post(server, report(3, 5).model_dump_json().encode())
    assert (status, said) == (403, {"error": "shard 5 is not one of this pod's"})
    assert server.arrivals.taken == []


@pytest.mark.parametrize(
    ("body", "part"),
    [
        (b"", "the report"),
        (b"{", "the report"),
        (b"\xff\xfe", "the report"),
        (b"null", "the report"),
        (b'{"shards": {}}', "shards"),
        (b'{"shards": [{"shard": 3}]}', "shards.0"),
        (b"[" * 4_000, "the report"),
        (b'{"shards": [], "run": {"rows": -1}}', "run"),
        (b'{"shards": [], "run": {"rows": 1, "batch_size": 0, "batches": 1}}', "run.batch_size"),
        (report(3, 4, 3).model_dump_json().encode(), "shards: one of them is told twice"),
        (report(*range(16)).model_dump_json().replace("10", "1e999").encode(), "shards.0.cursor"),
        (report(3).model_dump_json().replace("12", "9" * 400).encode(), "shards.0.processed"),
        (report(3).model_dump_json().replace("12", "-12").encode(), "shards.0.processed"),
        (report(3).model_dump_json().replace("running", "flying").encode(), "shards.0.phase"),
    ],
)
def test_a_body_that_is_no_report_is_refused_with_the_fields_name(server, body, part):
    status, said, _ = post(server, body)
    assert status == 422
    assert said["error"].startswith(part)
    assert len(said["error"]) <= 300
    assert server.arrivals.taken == []


def test_more_shards_than_a_pod_can_have_are_refused(server):
    small = report(3).shards[0].model_dump_json(exclude_defaults=True)
    body = '{"shards": [' + ",".join([small] * 17) + "]}"
    assert len(body) <= MAX_REPORT_BYTES
    assert post(server, body.encode())[0] == 422


def test_a_body_above_four_kib_is_refused_also_if_its_length_is_not_announced(server):
    body = report(3).model_dump_json().encode()
    fits = body + b" " * (MAX_REPORT_BYTES - len(body))
    assert post(server, fits)[0] == 204

    async def in_pieces():
        for _ in range(50):
            yield b" " * 100

    token = {"Authorization": f"Bearer {server.issuer.token(POD)}"}
    for large in (fits + b" ", in_pieces()):
        status, said, _ = send(server, data=large, headers=token)
        assert (status, said) == (413, {"error": "a report has at most 4096 bytes"})
    assert len(server.arrivals.taken) == 1


def test_a_compressed_body_is_not_unpacked(server):
    headers = {
        "Authorization": f"Bearer {server.issuer.token(POD)}",
        "Content-Encoding": "deflate",
    }
    bomb = zlib.compress(report(3).model_dump_json().encode() + b" " * 1_000_000)
    assert len(bomb) < MAX_REPORT_BYTES
    assert send(server, data=bomb, headers=headers)[0] == 422


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", REPORTS_PATH, 405),
        ("PUT", REPORTS_PATH, 405),
        ("POST", "/", 404),
        ("GET", "/metrics", 404),
        ("POST", REPORTS_PATH + "/", 404),
        ("POST", "/v1/../v1/reports%2f", 404),
    ],
)
def test_there_is_nothing_but_reports(server, method, path, status):
    got, said, _ = send(server, method=method, path=path)
    assert got == status
    assert set(said) == {"error"}


def test_reports_that_come_too_often_are_told_when_to_come_back():
    with progress_server(Limits(pod=Rate(3_600, burst=2))) as server:
        assert [post(server)[0] for _ in range(2)] == [204, 204]
        status, said, headers = post(server)
        assert (status, said) == (429, {"error": "reports come too often"})
        assert 3_500 < int(headers["Retry-After"]) <= 3_600
        assert len(server.arrivals.taken) == 2


def test_reports_of_other_pods_pass_while_one_is_held_back():
    with progress_server(Limits(pod=Rate(3_600, burst=1))) as server:
        other = replace(POD, uid="other", name="digits-1")
        server.pods.pods[other.uid] = other
        assert [post(server)[0] for _ in range(2)] == [204, 429]
        assert post(server, token=server.issuer.token(other))[0] == 204


def test_a_fenced_zombies_late_report_is_heard_and_changes_nothing(server):
    zombie = replace(POD, uid="zombie", name="digits-0-old")
    server.pods.pods[zombie.uid] = zombie
    newer = report(3, seq=8, cursor=30, processed=31).model_dump_json().encode()
    late = report(3, seq=2, cursor=40, processed=44, sealed=True).model_dump_json().encode()
    assert post(server, newer)[0] == 204
    assert post(server, late, server.issuer.token(zombie))[0] == 204
    heard = server.arrivals.store.newest(POD.job_uid)[3]
    assert (heard.pod_uid, heard.progress.cursor, heard.progress.sealed) == (POD.uid, 30, False)


def test_a_client_that_pins_another_ca_does_not_talk_to_us(server):
    with progress_server() as other, pytest.raises(aiohttp.ClientConnectorCertificateError):
        send(replace(server, ca=other.ca), data=b"")


def test_old_versions_of_tls_are_not_spoken(server):
    context = trusting(server.ca)
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    with (
        socket.create_connection(("127.0.0.1", server.port)) as plain,
        pytest.raises(ssl.SSLError),
    ):
        context.wrap_socket(plain, server_hostname="127.0.0.1")


def test_plain_text_and_half_a_handshake_do_no_harm(server):
    for nonsense in (b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01", b""):
        with socket.create_connection(("127.0.0.1", server.port)) as plain:
            plain.sendall(nonsense)
    assert post(server)[0] == 204


def test_beyond_the_kept_ones_a_connection_ends_with_its_answer():
    with progress_server(GENEROUS, bounds=Bounds(kept=0)) as server:
        status, _, headers = post(server)
        assert (status, headers["Connection"]) == (204, "close")
    with progress_server(GENEROUS, bounds=Bounds(kept=1)) as server:
        assert "Connection" not in post(server)[2]


def test_beyond_the_most_connections_a_handshake_is_refused_and_the_others_go_on():
    with progress_server(GENEROUS, bounds=Bounds(most=1)) as server:
        context = trusting(server.ca)
        with (
            socket.create_connection(("127.0.0.1", server.port)) as plain,
            context.wrap_socket(plain, server_hostname="127.0.0.1") as first,
        ):
            # Until it has answered, the server may not have counted it.
            first.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert first.recv(12) == b"HTTP/1.1 404"
            with pytest.raises(aiohttp.ClientConnectorError):
                post(server)
            first.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
            assert first.recv(65_536)


def test_handshakes_that_come_too_fast_are_refused_before_they_cost_much():
    with progress_server(GENEROUS, bounds=Bounds(handshakes=Rate(3_600, burst=2))) as server:
        assert [post(server)[0] for _ in range(2)] == [204, 204]
        with pytest.raises(aiohttp.ClientConnectorError):
            post(server)


def test_of_too_many_that_say_nothing_the_first_have_to_go_and_reports_pass():
    with contextlib.ExitStack() as stack, progress_server(bounds=Bounds(silent=3)) as server:
        address = ("127.0.0.1", server.port)
        mute = [stack.enter_context(socket.create_connection(address, 5)) for _ in range(8)]
        assert post(server)[0] == 204
        # Five made room for one another, and one for the report.
        assert [one.recv(1) for one in mute[:6]] == [b""] * 6
        for one in mute[6:]:
            one.settimeout(0.2)
            with pytest.raises(TimeoutError):
                one.recv(1)


def test_each_connection_takes_16_kib_for_tls_and_not_256(server):
    """Whoever serves thousands of workers pays this for each; see docs/adr/0006."""
    assert post(server)[0] == 204
    made = SSLProtocol(
        asyncio.new_event_loop(), asyncio.Protocol(), ssl.create_default_context(), None
    )
    assert len(made.get_buffer(-1)) == 16 * 1024
    made._loop.close()
