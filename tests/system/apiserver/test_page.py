"""The page of a real operator, for people whom a real API server knows."""

import contextlib
import functools
import socket
from collections.abc import Iterator

import pytest

import testcluster
from support.operator.browser import browser, tab
from support.operator.page_client import OURS, Visitor, log_in, request
from support.operator.page_people import PEOPLE, USER, may, page_for_people, token
from support.operator.process import OperatorProcess
from testcluster.machine.waiting import until

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def served(
    control_plane: testcluster.ControlPlane, kubectl: testcluster.Kubectl
) -> Iterator[tuple[int, OperatorProcess]]:
    with page_for_people(control_plane, kubectl) as found:
        yield found


@pytest.fixture(scope="module")
def port(served: tuple[int, OperatorProcess]) -> int:
    return served[0]


@pytest.fixture(scope="module")
def visitors(port: int, kubectl: testcluster.Kubectl) -> dict[str, Visitor]:
    """The three, logged in."""
    found = {}
    for person in PEOPLE:
        reply, found[person] = log_in(port, token(kubectl, person))
        assert (reply.status, reply.headers["Location"]) == (303, "/")
    until("jobs are known", lambda: len(found["everywhere"].get("/").jobs) == 2, pause=0.5)
    return found


def test_each_person_sees_what_their_role_may_get(visitors: dict[str, Visitor]) -> None:
    seen = {person: visitor.get("/").jobs for person, visitor in visitors.items()}
    both = {"team-a/captions", "team-b/faces"}
    assert seen == {"everywhere": both, "only-a": {"team-a/captions"}, "nothing": set()}
    pages = {
        person: tuple(
            visitor.get(path).status for path in ("/jobs/team-a/captions", "/jobs/team-b/faces")
        )
        for person, visitor in visitors.items()
    }
    assert pages == {"everywhere": (200, 200), "only-a": (200, 404), "nothing": (404, 404)}


def test_a_foreign_job_is_answered_as_one_that_is_not_there(visitors: dict[str, Visitor]) -> None:
    foreign = visitors["only-a"].get("/jobs/team-b/faces")
    absent = visitors["only-a"].get("/jobs/team-b/nothing")
    assert (foreign.status, foreign.text) == (absent.status, absent.text)


def test_a_job_is_shown_with_its_condition_and_events(visitors: dict[str, Visitor]) -> None:
    def page() -> str:
        return visitors["only-a"].get("/jobs/team-a/captions").text

    until("its worker Job is told in an Event", lambda: "Created" in page(), seconds=90, pause=0.5)
    assert "captions" in page()
    assert "may not list" not in page()


def test_somebody_with_a_browser_logs_in_looks_around_and_logs_out(
    port: int, visitors: dict[str, Visitor], kubectl: testcluster.Kubectl
) -> None:
    with browser() as running, tab(running, f"http://localhost:{port}") as one:
        one.go("/jobs/team-a/captions")
        one.page.wait_for_url("**/login?to=*")
        one.page.fill("#token", token(kubectl, "only-a"))
        one.page.keyboard.press("Enter")
        one.page.wait_for_selector("h1:has-text('captions')")
        one.page.click("text=Jobs")
        assert one.page.locator("tr[id^=job-]").count() == 1
        one.page.click("text=Log out")
        one.page.wait_for_url("**/login")
        one.go("/")
        assert one.page.locator("#token").count() == 1
        assert one.said == []


def test_a_token_that_is_none_logs_nobody_in(port: int) -> None:
    for bad in ("nonsense", "eyJhbGciOiJub25lIn0.e30.", ""):
        reply, visitor = log_in(port, bad)
        assert reply.status in (400, 401)
        assert visitor.cookies == ""
    assert Visitor(port, "batchprocess-token=nonsense").get("/").status == 303


def test_a_token_for_somebody_else_than_the_api_server_logs_nobody_in(
    port: int, kubectl: testcluster.Kubectl
) -> None:
    other = kubectl("create", "token", "everywhere", "--audience=batchprocess.dev/x").strip()
    reply, _ = log_in(port, other)
    assert reply.status == 401


def test_another_site_can_neither_log_in_nor_out(port: int) -> None:
    for path in ("/login", "/logout"):
        for headers in ({}, {"Sec-Fetch-Site": "cross-site"}, {"Origin": "http://evil.example"}):
            assert request(port, "POST", path, "token=x", headers).status == 403


def test_who_loses_the_token_or_the_right_loses_sight(
    port: int, kubectl: testcluster.Kubectl
) -> None:
    for person in ("loses-token", "loses-right"):
        kubectl("create", "serviceaccount", person)
        flags = ("--clusterrole=view", f"--serviceaccount=default:{person}")
        kubectl("create", "clusterrolebinding", person, *flags)
    _, first = log_in(port, token(kubectl, "loses-token"))
    _, second = log_in(port, token(kubectl, "loses-right"))
    wait = functools.partial(until, seconds=120, pause=0.5)
    wait("both see", lambda: len(first.get("/").jobs) == len(second.get("/").jobs) == 2)
    kubectl("delete", "serviceaccount", "loses-token")
    kubectl("delete", "clusterrolebinding", "loses-right")
    wait("who has no token is asked for one", lambda: first.get("/").status == 303)
    wait("who has no right sees nothing", lambda: second.get("/").jobs == set())
    wait("nor the job", lambda: second.get("/jobs/team-a/captions").status == 404)


@pytest.mark.hostile
def test_the_operator_of_an_attacked_page_goes_on_and_an_honest_visitor_sees(
    served: tuple[int, OperatorProcess], visitors: dict[str, Visitor]
) -> None:
    port, running = served
    silent = [socket.create_connection(("127.0.0.1", port)) for _ in range(200)]
    try:
        for one in silent[::2]:
            with contextlib.suppress(OSError):
                one.sendall(b"GET / HTTP/1.1\r\nCookie: batchprocess-token=")
        codes = {log_in(port, f"guess-{n}")[0].status for n in range(60)}
        assert codes == {401, 429}
        assert len(visitors["everywhere"].get("/").jobs) == 2
        huge = {"Cookie": "batchprocess-token=" + "x" * 60_000}
        with contextlib.suppress(OSError):
            assert request(port, "GET", "/", headers=huge).status == 400
        assert request(port, "POST", "/login", "token=" + "x" * 20_000, OURS).status == 413
        assert len(visitors["everywhere"].get("/").jobs) == 2
    finally:
        for one in silent:
            one.close()
    assert running.running
    assert "guess-" not in running.log
    assert "Traceback" not in running.log


def test_the_pages_rights_are_what_it_needs(
    served: tuple[int, OperatorProcess], kubectl: testcluster.Kubectl
) -> None:
    assert may(kubectl, USER, "create", "tokenreviews.authentication.k8s.io")
    assert may(kubectl, USER, "create", "subjectaccessreviews.authorization.k8s.io")
    assert not may(kubectl, USER, "impersonate", "users")
    assert not may(kubectl, USER, "get", "secrets", "--all-namespaces")
    assert not may(kubectl, USER, "create", "serviceaccounts/token")
