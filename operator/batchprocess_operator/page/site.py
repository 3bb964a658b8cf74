"""What each address answers, to whom."""

import asyncio
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import quote, urlencode

from batchprocess_operator.kube.errors import ApiError, Denied
from batchprocess_operator.page.access.gate import Gate, TooOften, Viewer
from batchprocess_operator.page.access.reviews import Right, TooMuchOfAPerson
from batchprocess_operator.page.access.turns import Turns
from batchprocess_operator.page.http.answers import Answer, forget, go_to, packed, remember
from batchprocess_operator.page.http.questions import MAX_TOKEN, Question, may_be_token
from batchprocess_operator.page.job_events import JobEvents
from batchprocess_operator.page.memory import Memory
from batchprocess_operator.page.pages import Pages
from batchprocess_operator.page.static_files import StaticFiles
from batchprocess_operator.page.views.job_page import job_page
from batchprocess_operator.page.views.job_rows import STATES, Filter, job_list

_JOB = re.compile(r"/jobs/([a-z0-9][a-z0-9.-]{0,62})/([a-z0-9][a-z0-9.-]{0,252})")
_NAMESPACE = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
REST = 3.0
"""Times as long as it took to make a page: pages take a quarter of a processor at most."""
MAX_COPIES = 2
"""Of jobs, some megabytes each where they are large, that are being made pages of."""
_UNKNOWN = "There is no such page, or you may not see it."


class Site:
    """Read-only: nothing that a visitor sends changes anything but their own cookie."""

    def __init__(self, gate: Gate, memory: Memory, events: JobEvents) -> None:
        self._gate, self._memory, self._events = gate, memory, events
        self._turns, self._files = Turns(), StaticFiles()
        self._pages = Pages(self._files.addresses)
        self._thread, self._rested = ThreadPoolExecutor(1, "page"), 0.0
        self._copies = asyncio.Semaphore(MAX_COPIES)

    async def answer(self, question: Question) -> Answer:
        """The answer, whatever is asked."""
        accepted = question.headers.get("accept-encoding", "")
        found = self._files.answer(question.path, accepted)
        if found is not None and question.method == "GET":
            return found
        try:
            found = await self._routed(question)
        except TooOften as error:
            sentence = f"Too many questions at once; try again in {error.seconds} s."
            found = self._sorry(429, sentence, ("Retry-After", str(error.seconds)))
        except TooMuchOfAPerson as error:
            found = self._sorry(403, str(error))
        except Denied:
            found = self._sorry(503, "The operator may not ask who you are and what you may see.")
        except ApiError:
            found = self._sorry(503, "The API server does not answer; this page tries again.")
        return packed(found, accepted)

    def close(self) -> None:
        """Pages that are still to be made keep the process no longer."""
        self._thread.shutdown(wait=False, cancel_futures=True)

    async def _routed(self, question: Question) -> Answer:
        match question.method, question.path:
            case "GET", "/login":
                return self._login_page(question.query.get("to", ""))
            case "POST", "/login":
                return await self._log_in(question)
            case "POST", "/logout":
                return self._log_out(question)
            case "GET", path:
                viewer = await self._viewer(question)
                if viewer is None:
                    return self._to_login(question)
                self._gate.count_page(viewer)
                async with self._turns.turn(viewer.person.party):
                    return await self._page(viewer, question, path)
        return self._sorry(405, "This page is read, and nothing else.", ("Allow", "GET"))

    async def _page(self, viewer: Viewer, question: Question, path: str) -> Answer:
        if path == "/":
            return await self._list(viewer, question)
        named = _JOB.fullmatch(path)
        found = None if named is None else await self._job(viewer, question, *named.groups())
        return found or self._sorry(404, _UNKNOWN)

    async def _viewer(self, question: Question) -> Viewer | None:
        token = question.token
        return await self._gate.viewer(token, question.address) if token else None

    async def _log_in(self, question: Question) -> Answer:
        if not question.from_our_page:
            return self._sorry(403, "Only the form of this page itself logs anybody in.")
        token, to = question.field("token"), question.field("to")
        if not may_be_token(token):
            said = f"That is no token: it has 1 to {MAX_TOKEN:,} letters, digits and signs."
            return self._login_page(to, 400, said)
        if await self._gate.viewer(token, question.address) is None:
            said = "The API server does not know this token, or it has ended."
            return self._login_page(to, 401, said)
        return go_to(
            to if _JOB.fullmatch(to) else "/", cookies=(remember(token, secure=question.secure),)
        )

    def _log_out(self, question: Question) -> Answer:
        if not question.from_our_page:
            return self._sorry(403, "Only the form of this page itself logs anybody out.")
        return go_to("/login", cookies=forget(secure=question.secure))

    def _to_login(self, question: Question) -> Answer:
        wanted = _JOB.fullmatch(question.path)
        path = f"/login?{urlencode({'to': question.path})}" if wanted else "/login"
        return go_to(path, in_place=question.in_place)

    def _login_page(self, to: str, status: int = 200, said: str = "") -> Answer:
        """`to`: the job that the visitor wanted to see."""
        return self._pages.page("login", status, said=said, to=to if _JOB.fullmatch(to) else "")

    async def _list(self, viewer: Viewer, question: Question) -> Answer:
        asked = Filter.of(question.query)
        jobs = self._memory.jobs()
        there = {one.namespace for one in jobs}
        if asked.namespace:
            # Also one of which we know no job: whether there are any is for those who may see them.
            there = {asked.namespace} if _NAMESPACE.fullmatch(asked.namespace) else set()
        readable, unknown = await self._gate.readable(viewer, there)
        mine = [one for one in jobs if one.namespace in readable]
        now = self._memory.now()
        values: dict[str, Any] = {
            "viewer": viewer.person.name,
            "asked": asked,
            "states": STATES,
            "unknown": unknown,
            "namespaces": sorted(readable),
            "here": asked.at(asked.first),
        }
        return await self._made(
            question, lambda: self._pages.page("jobs", list=job_list(mine, asked, now), **values)
        )

    async def _job(
        self, viewer: Viewer, question: Question, namespace: str, name: str
    ) -> Answer | None:
        """None both where there is none and where they may not see it, asked in the same way."""
        if not await self._may_get(viewer, namespace, name):
            return None
        entry = self._memory.find(namespace, name)
        if entry is None or entry.job is None:
            return None
        may = self._gate.may
        pods = await may(viewer, Right("list", namespace, group="", resource="pods"))
        events = None
        may_list = await may(viewer, Right("list", namespace, group="", resource="events"))
        if may_list:
            events = await self._events.of(namespace, entry.job.uid)
        query = {key: question.query[key] for key in ("shards", "from") if key in question.query}
        base = f"/jobs/{quote(namespace)}/{quote(name)}"
        here = f"{base}?{urlencode(query)}" if query else base
        values: dict[str, Any] = {"viewer": viewer.person.name, "base": base, "here": here}
        values["may_list_events"] = may_list
        async with self._copies:
            seen = self._memory.snapshot(entry, events, pods=pods)
            if seen is None:
                return None
            return await self._made(
                question, lambda: self._pages.page("job", job=job_page(seen, query), **values)
            )

    async def _may_get(self, viewer: Viewer, namespace: str, name: str) -> bool:
        if await self._gate.may(viewer, Right("get", namespace)):
            return True
        return await self._gate.may(viewer, Right("get", namespace, name))

    def _sorry(self, status: int, sentence: str, *headers: tuple[str, str]) -> Answer:
        page = self._pages.page("sorry", status, sentence=sentence, code=status)
        return Answer(status, page.body, headers=headers)

    async def _made(self, question: Question, make: Callable[[], Answer]) -> Answer:
        """Made, and packed, beside the loop, on which everybody else waits.

        Threads of Python take turns, so this one rests longer than it has worked.
        """
        accepted = question.headers.get("accept-encoding", "")
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._thread, self._work, make, accepted)

    def _work(self, make: Callable[[], Answer], accepted: str) -> Answer:
        time.sleep(max(self._rested - time.perf_counter(), 0.0))
        began = time.perf_counter()
        try:
            return packed(make(), accepted)
        finally:
            ended = time.perf_counter()
            self._rested = ended + REST * (ended - began)
