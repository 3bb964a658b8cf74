"""What a report is answered, over real TLS: whose it is, how often, and what it says."""

from dataclasses import replace

import pytest

from batchprocess.protocol.progress import MAX_REPORT_BYTES, REPORTS_PATH
from batchprocess_operator.endpoint.limits import Limits
from batchprocess_operator.listen.meters import Rate
from support.operator.fake_issuer import FakeIssuer
from support.operator.fake_pods import POD, report
from support.operator.progress_server import progress_server
from support.operator.report_client import post, send


def test_a_good_report_is_taken(server):
    assert post(server)[:2] == (204, None)
    assert server.arrivals.store.newest(POD.job_uid)[3].progress.cursor == 10


@pytest.mark.hostile
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


@pytest.mark.hostile
def test_a_report_on_a_shard_of_another_pod_is_refused_as_a_whole(server):
    status, said, _ = post(server, report(3, 5).model_dump_json().encode())
    assert (status, said) == (403, {"error": "shard 5 is not one of this pod's"})
    assert server.arrivals.taken == []


@pytest.mark.hostile
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


@pytest.mark.hostile
def test_more_shards_than_a_pod_can_have_are_refused(server):
    small = report(3).shards[0].model_dump_json(exclude_defaults=True)
    body = '{"shards": [' + ",".join([small] * 17) + "]}"
    assert len(body) <= MAX_REPORT_BYTES
    assert post(server, body.encode())[0] == 422


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


@pytest.mark.hostile
def test_reports_that_come_too_often_are_told_when_to_come_back():
    with progress_server(Limits(pod=Rate(3_600, burst=2))) as server:
        assert [post(server)[0] for _ in range(2)] == [204, 204]
        status, said, headers = post(server)
        assert (status, said) == (429, {"error": "reports come too often"})
        assert 3_500 < int(headers["Retry-After"]) <= 3_600
        assert len(server.arrivals.taken) == 2


@pytest.mark.hostile
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
