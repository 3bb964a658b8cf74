"""What is shown to whom."""

import asyncio
import re
import threading
from typing import Any

import pytest

from batchprocess_operator.page import site
from batchprocess_operator.page.access.gate import PAGES
from batchprocess_operator.page.access.turns import MAX_PLACES
from batchprocess_operator.page.http.answers import Answer
from batchprocess_operator.page.http.questions import MAX_TOKEN
from batchprocess_operator.page.views.job_rows import job_list
from support.operator.page_jobs import add_busy, add_list
from support.operator.page_world import PageWorld

OURS = {"sec_fetch_site": "same-origin"}


def post(world: PageWorld, path: str, body: str = "", **headers: str) -> Answer:
    return asyncio.run(world.ask(path, "", method="POST", body=body, **headers))


def names(answer: Answer) -> list[str]:
    return re.findall(r'<tr role="row" id="job-([^"]+)"', answer.body.decode())


def world() -> PageWorld:
    made = PageWorld()
    made.add("digits", "team")
    made.add("faces", "vision")
    return made


@pytest.mark.parametrize(
    ("token", "seen"),
    [
        ("all-token", {"team.digits", "vision.faces"}),
        ("team-token", {"team.digits"}),
        ("nobody-token", set()),
    ],
)
def test_a_viewer_sees_the_jobs_that_they_may_read(token: str, seen: set[str]):
    found = world().get("/", token)
    assert (found.status, set(names(found))) == (200, seen)


@pytest.mark.hostile
def test_a_foreign_job_is_answered_as_one_that_is_not_there():
    made = world()
    foreign = made.get("/jobs/vision/faces", "team-token")
    absent = made.get("/jobs/vision/nothing", "team-token")
    assert foreign == absent
    assert foreign.status == 404
    # And asked about in the same way: also the time that it takes tells nothing.
    kinds = [one["resourceAttributes"] for kind, one in made.reviews.asked if "access" in kind]
    assert [one.get("name") for one in kinds] == [None, "faces", "nothing"]
    assert made.get("/jobs/vision/faces").status == 200


@pytest.mark.hostile
def test_jobs_of_a_namespace_that_is_named_are_only_for_those_who_may_see_them():
    made = world()
    assert names(made.get("/?namespace=vision")) == ["vision.faces"]
    assert names(made.get("/?namespace=vision", "team-token")) == []
    assert names(made.get("/?namespace=nowhere", "team-token")) == []
    assert names(made.get("/?namespace=../x", "all-token")) == []


@pytest.mark.parametrize("path", ["/", "/nothing"])
@pytest.mark.parametrize("token", ["", "bad-token"])
def test_who_is_not_logged_in_is_asked_to_and_sees_nothing(path: str, token: str):
    found = world().get(path, token)
    assert (found.status, found.body) == (303, b"")
    assert ("Location", "/login") in found.headers
    in_place = world().get(path, token, hx_request="true")
    assert (in_place.status, in_place.body) == (401, b"")
    assert ("HX-Redirect", "/login") in in_place.headers


def test_who_wanted_to_see_a_job_gets_there_by_logging_in():
    made = world()
    place = dict(made.get("/jobs/team/digits", "").headers)["Location"]
    assert place == "/login?to=%2Fjobs%2Fteam%2Fdigits"
    form = made.get(place, "").body.decode()
    assert '<input type="hidden" name="to" value="/jobs/team/digits">' in form
    found = post(made, "/login", "token=team-token&to=/jobs/team/digits", **OURS)
    assert dict(found.headers)["Location"] == "/jobs/team/digits"


@pytest.mark.hostile
@pytest.mark.parametrize("to", ["//evil.example", "https://evil.example/jobs/a/b", "/jobs/a", "x"])
def test_logging_in_leads_nowhere_else(to: str):
    found = post(world(), "/login", f"token=team-token&to={to}", **OURS)
    assert dict(found.headers)["Location"] == "/"
    assert "evil" not in world().get(f"/login?to={to}", "").body.decode()


def test_a_token_logs_in_and_is_kept_in_a_cookie():
    found = post(world(), "/login", "token=team-token", **OURS)
    assert found.status == 303
    cookie = "batchprocess-token=team-token; Path=/; HttpOnly; SameSite=Strict"
    assert ("Set-Cookie", cookie) in found.headers
    origin = {"origin": "https://jobs.example", "host": "jobs.example"}
    secure = post(world(), "/login", "token=team-token", **origin)
    assert ("Set-Cookie", f"__Host-{cookie}; Secure") in secure.headers


@pytest.mark.parametrize(
    ("body", "status", "said"),
    [
        ("token=bad", 401, "does not know this token"),
        ("token=", 400, "is no token"),
        ("", 400, "is no token"),
        (f"token={'x' * (MAX_TOKEN + 1)}", 400, "is no token"),
        ("token=a%0d%0aSet-Cookie:x", 400, "is no token"),
    ],
)
def test_what_is_no_token_of_the_api_server_logs_nobody_in(body: str, status: int, said: str):
    found = post(world(), "/login", body, **OURS)
    assert found.status == status
    assert said in found.body.decode()
    assert "Set-Cookie" not in dict(found.headers)


@pytest.mark.hostile
@pytest.mark.parametrize("path", ["/login", "/logout"])
@pytest.mark.parametrize("headers", [{}, {"sec_fetch_site": "cross-site"}])
def test_another_site_neither_logs_in_nor_out(path: str, headers: dict[str, str]):
    found = post(world(), path, "token=team-token", **headers)
    assert found.status == 403
    assert "Set-Cookie" not in dict(found.headers)


def test_logging_out_ends_the_cookie():
    found = post(world(), "/logout", **OURS)
    assert (found.status, dict(found.headers)["Location"]) == (303, "/login")
    assert "Max-Age=0" in dict(found.headers)["Set-Cookie"]


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "HEAD"])
def test_nothing_can_be_changed(method: str):
    found = asyncio.run(world().ask("/jobs/team/digits", method=method))
    assert found.status == 405


@pytest.mark.hostile
@pytest.mark.parametrize(
    "path",
    [
        "/jobs/team/../vision/faces",
        "/jobs/team%2fdigits",
        "//jobs/team/digits",
        "/jobs/team/digits/",
        "/jobs/TEAM/digits",
        "/static/../site.py",
        "/static/x/page.css",
        "/login/",
        f"/jobs/team/{'x' * 2_000}",
        "/jobs/team/digits\n",
    ],
)
def test_an_address_that_is_none_is_not_found(path: str):
    assert world().get(path).status == 404


def test_too_many_tokens_are_answered_by_when_to_come_again():
    made = world()

    async def go() -> Answer:
        for n in range(60):
            found = await made.ask("/", f"guess-{n}")
        return found

    found = asyncio.run(go())
    assert found.status == 429
    assert int(dict(found.headers)["Retry-After"]) >= 1


@pytest.mark.hostile
def test_one_person_is_shown_only_so_many_pages_and_another_one_still_some():
    made = world()

    async def go() -> list[int]:
        found = [(await made.ask("/", "team-token")).status for _ in range(PAGES.burst + 1)]
        return [*found, (await made.ask("/")).status]

    assert asyncio.run(go()) == [200] * PAGES.burst + [429, 200]


@pytest.mark.hostile
def test_whoever_has_many_tokens_keeps_nobody_else_waiting():
    made = world()
    made.reviews.tokens |= {f"token-{n}": "system:serviceaccount:team:many" for n in range(15)}
    made.reviews.rights["system:serviceaccount:team:many"] = {""}
    real, hold = made.reviews.create, asyncio.Event()

    async def create(path: str, body: Any) -> Any:
        if body["spec"].get("user") == "system:serviceaccount:team:many":
            await hold.wait()
        return await real(path, body)

    made.reviews.create = create  # type: ignore[method-assign]

    async def go() -> None:
        asked = [f"token-{n}" for n in range(15) for _ in range(4)]
        many = [asyncio.create_task(made.ask("/", one)) for one in asked]
        found = await made.ask("/", "all-token")
        assert (found.status, len(names(found))) == (200, 2)
        hold.set()
        codes = [(await one).status for one in many]
        assert (codes.count(200), codes.count(429)) == (MAX_PLACES, len(asked) - MAX_PLACES)

    asyncio.run(go())


class Clock:
    """As the module `time` has it. Each page takes 5 s."""

    def __init__(self) -> None:
        self.now, self.told = 100.0, list[str]()

    def perf_counter(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.told += [f"rest {seconds:.0f}"] if seconds else []

    def page(self, *given: Any) -> Any:
        self.now += 5
        self.told.append("page")
        return job_list(*given)


@pytest.mark.hostile
def test_pages_take_a_quarter_of_a_processor_at_most(monkeypatch: pytest.MonkeyPatch):
    made, clock = world(), Clock()
    monkeypatch.setattr(site, "time", clock)
    monkeypatch.setattr(site, "job_list", clock.page)

    async def go() -> None:
        # Also of those that wait together.
        await asyncio.gather(*(made.ask("/") for _ in range(3)))

    asyncio.run(go())
    assert clock.told == ["page", "rest 15", "page", "rest 15", "page"]
    clock.now += 9
    made.get("/")
    assert clock.told[5:] == ["rest 6", "page"]


@pytest.mark.hostile
def test_what_waits_for_the_thread_holds_no_copy_of_a_job(monkeypatch: pytest.MonkeyPatch):
    made, hold, copies = PageWorld(), threading.Event(), list[object]()
    made.add("digits")
    memory = made.site._memory
    real, render = memory.snapshot, site.job_page
    monkeypatch.setattr(site, "job_page", lambda *given: (hold.wait(10), render(*given))[1])

    def snapshot(*given: Any, **more: Any) -> Any:
        copies.append(given)
        return real(*given, **more)

    object.__setattr__(memory, "snapshot", snapshot)

    async def go() -> None:
        names = [f"token-{n}" for n in range(8)]
        made.reviews.tokens |= {one: one for one in names}
        made.reviews.rights |= {one: {""} for one in names}
        tasks = [asyncio.create_task(made.ask("/jobs/team/digits", one)) for one in names]
        for _ in range(200):
            await asyncio.sleep(0)
        assert len(copies) == site.MAX_COPIES
        hold.set()
        assert {(await one).status for one in tasks} == {200}
        assert len(copies) == len(names)

    asyncio.run(go())


def test_an_api_server_that_is_away_is_said_and_nothing_is_shown():
    made = world()
    made.reviews.down = True
    found = made.get("/")
    assert found.status == 503
    assert b"digits" not in found.body


@pytest.mark.parametrize(
    ("lacks", "said"), [("pods", "may not list pods"), ("events", "may not list Events")]
)
def test_pods_and_events_are_for_those_who_may_list_them(lacks: str, said: str):
    made = PageWorld()
    add_busy(made, "digits", 40)
    made.reviews.events = [{"reason": "JobCreated", "message": "it was created"}]
    real = made.reviews.create

    async def create(path: str, body: Any) -> Any:
        if body["spec"].get("resourceAttributes", {}).get("resource") == lacks:
            return {"status": {"allowed": False}}
        return await real(path, body)

    made.reviews.create = create  # type: ignore[method-assign]
    page = made.get("/jobs/team/digits").body.decode()
    assert said in page
    assert ("ValueError: row" in page, "it was created" in page) == (
        lacks != "pods",
        lacks != "events",
    )


@pytest.mark.hostile
def test_a_job_is_shown_also_where_its_events_cannot_be_read():
    made = PageWorld()
    made.add("digits")
    made.reviews.events_fail = True
    found = made.get("/jobs/team/digits")
    assert found.status == 200
    assert b"They cannot be read now" in found.body


def test_a_job_has_all_its_parts():
    made = PageWorld()
    add_busy(made, "digits", 200)
    page = made.get("/jobs/team/digits").body.decode()
    for part in ("Progress", "Shards", "Where time goes", "Last failures", "Conditions", "Events"):
        assert f">{part}</h2>" in page
    assert 'aria-label="Heat map of 200 shards:' in page
    assert "computing on the device" in page


@pytest.mark.hostile
def test_what_tenants_write_is_escaped_and_cut():
    made = PageWorld()
    bad = "<script>alert(1)</script>\x1b[31m\u202e" + "x" * 40_000
    condition = {"type": "Failed", "status": "True", "reason": "A", "message": bad[:30_000]}
    condition["lastTransitionTime"] = "2030-01-01T00:00:00Z"
    status = {"state": "Failed", "conditions": [condition], "outputURI": bad[:4_000]}
    made.add("digits", status=status, image=bad[:900])
    made.reviews.events = [{"reason": bad, "message": bad, "type": "Warning"}]
    page = made.get("/jobs/team/digits").body.decode()
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)" in page
    assert not set(page) & {"\x1b", "\u202e"}
    assert len(page) < 40_000


@pytest.mark.hostile
@pytest.mark.parametrize(
    "status",
    [
        {"rate": float("nan"), "batches": {"done": -5, "total": 1e308}, "eta": "never"},
        {"rate": 1e308, "batches": {"done": 10**400, "total": 10**400}, "rows": 10**400},
        {"state": 7, "shards": "all", "conditions": {"a": 1}, "dataset": 7},
        {"cursors": "1,2", "sealedShards": "0-99999999", "claims": "x", "failedShards": "-"},
        {"eta": "9999-12-31T23:59:59Z", "startTime": "0001-01-01T00:00:00Z", "state": "Running"},
        {"shardProgress": [{"shard": 10**9, "cursor": 10**18, "state": "running"}]},
        {"conditions": [{"type": "Failed", "status": "True", "reason": 5}] * 70},
    ],
)
def test_a_status_of_nonsense_hides_no_other_job_and_is_a_page_itself(status: dict[str, Any]):
    made = world()
    made.add("bad", status=status)
    assert set(names(made.get("/"))) == {"team.digits", "team.bad", "vision.faces"}
    assert made.get("/jobs/team/bad").status == 200


@pytest.mark.hostile
@pytest.mark.parametrize(
    "spec", [{"shards": "many"}, {"parallelism": None}, {"colour": "red"}, {"command": 7}]
)
def test_a_job_that_nobody_can_read_is_a_page_that_says_so(spec: dict[str, Any]):
    made = world()
    made.add("bad", **spec)
    assert "team.bad" in names(made.get("/"))
    assert made.get("/jobs/team/bad").status == 200


def test_a_thousand_jobs_are_listed_a_page_at_a_time():
    made = PageWorld()
    add_list(made, 1_000)
    seen: list[str] = []
    path = "/"
    while path:
        found = made.get(path)
        seen += names(found)
        after = re.search(r'href="([^"]+)" rel="next"', found.body.decode())
        path = after[1] if after else ""
    assert len(seen) == len(set(seen)) == 1_000


def test_the_list_is_of_what_is_asked_for():
    made = PageWorld()
    add_list(made, 100)
    page = made.get("/?state=Failed&namespace=team&find=caption")
    assert all(one.startswith("team.caption") for one in names(page))
    assert names(page) != []
    assert names(made.get("/?state=Nonsense&first=x")) == names(made.get("/"))


def test_ten_thousand_shards_are_less_than_two_megabytes_however_they_are_scattered():
    made = PageWorld()
    add_busy(made, "digits", 10_000)
    found = made.get("/jobs/team/digits?shards=running&from=7000")
    assert found.status == 200
    assert len(found.body) < 2_000_000
    assert len(made.get("/jobs/team/digits", accept_encoding="gzip").body) < 200_000
