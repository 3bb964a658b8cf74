"""A report counts only with a token that this cluster gave to this pod for this job."""

import asyncio
import base64
import hashlib
import hmac
import json
import time
from datetime import UTC, datetime, timedelta

import pytest

from batchprocess.protocol.job_object import token_audience
from batchprocess_operator.endpoint.keys import Keyring, KeysUnavailable, Trust
from batchprocess_operator.endpoint.refusal import Refusal
from batchprocess_operator.endpoint.tokens import Verifier
from support.operator.fake_issuer import FakeIssuer
from support.operator.fake_pods import POD, FakePods

HOUR = 3_600


class Fixture:
    """A verifier with everything around it, on a clock that stands still."""

    def __init__(self) -> None:
        self.issuer, self.pods, self.now = FakeIssuer(), FakePods(), 0.0
        self.server_time = datetime.now(UTC)
        self.keyring = Keyring(self.issuer.fetch, lambda: self.now)
        self.verifier = Verifier(self.keyring, self.pods, lambda: self.server_time)

    def ask(self, token, scheme="Bearer"):
        """The pod, or the refusal."""
        try:
            return asyncio.run(self.verifier.sender(f"{scheme} {token}"))
        except Refusal as refusal:
            return refusal.status, refusal.sentence


@pytest.fixture
def at():
    return Fixture()


def part(content) -> str:
    raw = content if isinstance(content, bytes) else json.dumps(content).encode()
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def test_the_pods_own_token_is_accepted(at):
    assert at.ask(at.issuer.token(POD)) == POD
    assert at.ask(at.issuer.token(POD), scheme="bearer") == POD


def test_a_token_for_several_audiences_or_one_as_plain_text_is_accepted(at):
    right = token_audience(POD.namespace, POD.job_uid)
    assert at.ask(at.issuer.token(POD, aud=["https://other", right])) == POD
    assert at.ask(at.issuer.token(POD, aud=right)) == POD


@pytest.mark.hostile
@pytest.mark.parametrize(
    ("changed", "part_of_sentence"),
    [
        ({"exp": int(time.time()) - HOUR}, "has expired"),
        ({"nbf": int(time.time()) + HOUR}, "not valid yet"),
        ({"iss": "https://other-cluster"}, "issuer is not this cluster"),
        ({"aud": ["https://kubernetes.default.svc"]}, "not for reports of its pod's job"),
        ({"aud": [token_audience("team", "another-job")]}, "not for reports of its pod's job"),
        ({"aud": [token_audience("another", "job-uid")]}, "not for reports of its pod's job"),
        ({"aud": []}, "not for reports of its pod's job"),
        ({"aud": {"a": 1}}, "not bound to a pod"),
        ({"kubernetes.io": {"namespace": "team"}}, "not bound to a pod"),
        ({"kubernetes.io": "team"}, "not bound to a pod"),
        ({"exp": "tomorrow"}, "cannot be verified"),
        ({"exp": None}, "cannot be verified"),
        ({"exp": float("nan")}, "cannot be verified"),
        ({"nbf": True}, "cannot be verified"),
        ({"iat": "now"}, "cannot be verified"),
        ({"iat": int(time.time()) + HOUR}, "not valid yet"),
    ],
)
def test_a_token_with_a_wrong_claim_is_refused(at, changed, part_of_sentence):
    status, sentence = at.ask(at.issuer.token(POD, **changed))
    assert status == 401
    assert part_of_sentence in sentence


@pytest.mark.parametrize("ahead", [-7 * HOUR, 7 * HOUR])
def test_a_token_is_as_old_as_the_api_server_says_whatever_our_own_clock_says(at, ahead):
    at.server_time += timedelta(seconds=ahead)
    issued = int(time.time()) + ahead
    at_once = {"iat": issued, "nbf": issued, "exp": issued + HOUR}
    assert at.ask(at.issuer.token(POD, **at_once)) == POD
    assert at.ask(at.issuer.token(POD))[1].startswith("the token ")


@pytest.mark.parametrize(
    ("later", "verdict"), [(-61, "not valid yet"), (-59, None), (3_659, None), (3_661, "expired")]
)
def test_clocks_may_differ_by_the_leeway(at, later, verdict):
    token = at.issuer.token(POD)
    issued = at.issuer.claims(POD)["iat"]
    at.server_time = datetime.fromtimestamp(issued + later, UTC)
    answer = at.ask(token)
    assert answer == POD if verdict is None else verdict in answer[1]


@pytest.mark.hostile
@pytest.mark.parametrize("claim", ["exp", "nbf", "iss", "aud", "kubernetes.io"])
def test_a_token_without_a_claim_is_refused(at, claim):
    claims = at.issuer.claims(POD)
    del claims[claim]
    assert at.ask(at.issuer.sign(claims))[0] == 401


@pytest.mark.hostile
@pytest.mark.parametrize(
    "bound",
    [
        {"namespace": "team", "pod": {"name": "digits-0", "uid": "unknown-uid"}},
        {"namespace": "another", "pod": {"name": "digits-0", "uid": "pod-uid"}},
        {"namespace": "team", "pod": {"name": "digits-1", "uid": "pod-uid"}},
    ],
)
def test_a_token_of_another_pod_is_refused(at, bound):
    assert at.ask(at.issuer.token(POD, **{"kubernetes.io": bound}))[0] == 401


def test_a_dead_or_forgotten_pods_token_is_refused(at):
    token = at.issuer.token(POD)
    at.pods.change(alive=False)
    assert at.ask(token) == (401, "this token's pod is not one that is known to be alive")
    at.pods.pods.clear()
    assert at.ask(token)[0] == 401


@pytest.mark.hostile
def test_a_token_signed_by_a_strangers_key_is_refused(at):
    stranger = FakeIssuer(kid="stranger")
    known = stranger.sign(stranger.claims(POD), kid="first")
    assert at.ask(known) == (401, "the token cannot be verified")
    assert at.ask(stranger.token(POD)) == (401, "the token is not signed by a key of this cluster")


@pytest.mark.hostile
def test_a_token_whose_content_was_changed_is_refused(at):
    header, _, signature = at.issuer.token(POD).split(".")
    forged = ".".join([header, part(at.issuer.claims(POD, sub="admin")), signature])
    assert at.ask(forged) == (401, "the token cannot be verified")


@pytest.mark.hostile
@pytest.mark.parametrize("algorithm", ["none", "None", "NONE", ""])
def test_a_token_without_signature_is_refused(at, algorithm):
    for signature in ("", "x"):
        header = part({"alg": algorithm, "kid": "first", "typ": "JWT"})
        assert at.ask(f"{header}.{part(at.issuer.claims(POD))}.{signature}")[0] == 401


@pytest.mark.hostile
@pytest.mark.parametrize("secret", ["pem", "der", "jwk"])
def test_a_token_signed_with_the_public_key_as_a_secret_is_refused(at, secret):
    public = at.issuer.public_pem()
    key = {"pem": public, "der": public.strip(), "jwk": at.issuer.key_set()}[secret]
    header = part({"alg": "HS256", "kid": "first", "typ": "JWT"})
    signed = f"{header}.{part(at.issuer.claims(POD))}"
    signature = hmac.new(key, signed.encode(), hashlib.sha256).digest()
    assert at.ask(f"{signed}.{part(signature)}") == (401, "the token cannot be verified")


@pytest.mark.hostile
def test_a_symmetric_key_in_the_clusters_set_is_never_used(at):
    symmetric = {"kty": "oct", "k": part(b"0" * 32), "kid": "secret", "alg": "HS256"}
    keys = json.loads(at.issuer.key_set())["keys"] + [symmetric]
    trust = Trust.read(at.issuer.configuration(), json.dumps({"keys": keys}).encode())
    assert set(trust.keys) == {"first"}


@pytest.mark.parametrize(
    "header",
    [
        None,
        "",
        "Bearer",
        "Bearer ",
        "Basic abc",
        "abc",
        "Bearer a b",
        "Bearer a.b.c",
        "Bearer \udcfe",
    ],
)
def test_a_header_that_holds_no_token_is_refused(at, header):
    with pytest.raises(Refusal) as refused:
        asyncio.run(at.verifier.sender(header))
    assert refused.value.status == 401


@pytest.mark.parametrize("kid", [None, 7, ["first"], {"a": 1}])
def test_a_token_that_does_not_name_its_key_is_refused(at, kid):
    header = part({"alg": "RS256", "kid": kid})
    assert at.ask(f"{header}.{part(at.issuer.claims(POD))}.x")[0] == 401


def test_no_refusal_repeats_any_part_of_the_token(at):
    token = at.issuer.token(POD, iss="https://elsewhere")
    for bad in (token, token[:-9] + "tampered9", "Xq3" * 30, f"{token}.{token}"):
        _, sentence = at.ask(bad)
        assert not any(bad[n : n + 8] in sentence for n in range(len(bad) - 8))


def test_a_new_key_of_the_cluster_is_learned_when_a_token_names_it(at):
    assert at.ask(at.issuer.token(POD)) == POD
    at.issuer.kid, at.issuer.published = "second", ["first", "second"]
    at.now = 11.0
    assert at.ask(at.issuer.token(POD)) == POD
    assert at.issuer.asked == 2


@pytest.mark.hostile
def test_tokens_with_made_up_keys_make_us_ask_every_ten_seconds_at_most(at):
    stranger = FakeIssuer(kid="stranger")
    for _ in range(100):
        at.ask(stranger.token(POD))
        at.now += 0.5
    assert at.issuer.asked == 5


def test_a_key_that_the_cluster_withdraws_is_not_believed_for_more_than_an_hour(at):
    token = at.issuer.token(POD)
    assert at.ask(token) == POD
    at.issuer.published = ["second"]
    at.now = 3_599.0
    assert at.ask(token) == POD
    at.now = 3_601.0
    assert at.ask(token)[0] == 401


def test_known_keys_go_on_while_the_api_server_is_away_and_nothing_is_believed_before(at):
    async def away():
        raise KeysUnavailable("connection refused")

    token = at.issuer.token(POD)
    at.keyring._fetch = away
    assert at.ask(token) == (503, "the API server has not told its keys yet")
    at.keyring._fetch, at.now = at.issuer.fetch, 11.0
    assert at.ask(token) == POD
    at.keyring._fetch, at.now = away, 4_000.0
    assert at.ask(token) == POD


def test_many_tokens_at_once_ask_once_and_a_known_key_waits_for_nobody(at):
    async def scenario():
        gate = asyncio.Event()

        async def slow():
            await gate.wait()
            return await at.issuer.fetch()

        at.keyring._fetch = slow
        first = [asyncio.ensure_future(at.keyring.find("first")) for _ in range(50)]
        await asyncio.sleep(0)
        gate.set()
        assert all(key is not None for _, key in await asyncio.gather(*first))
        gate.clear()
        at.now = 11.0
        waiting = asyncio.ensure_future(at.keyring.find("unheard of"))
        await asyncio.sleep(0)
        assert (await at.keyring.find("first"))[1] is not None
        assert not waiting.done()
        gate.set()
        assert (await waiting)[1] is None

    asyncio.run(scenario())
    assert at.issuer.asked == 2


@pytest.mark.parametrize(
    ("configuration", "key_set"),
    [
        (b"{", b"{}"),
        (b"[]", b"[]"),
        (b'{"issuer": 5}', b'{"keys": []}'),
        (b'{"issuer": "x"}', b'{"keys": []}'),
        (b'{"issuer": "x"}', b'{"keys": [{"kty": "oct", "k": "eA", "kid": "a"}]}'),
        (b'{"issuer": "x"}', b"\xff"),
        (b'{"issuer": "x"}', b"null"),
    ],
)
def test_discovery_documents_that_make_no_sense_are_an_error_of_their_own(configuration, key_set):
    with pytest.raises(KeysUnavailable):
        Trust.read(configuration, key_set)
