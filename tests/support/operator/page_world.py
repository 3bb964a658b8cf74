"""A page over jobs in memory, and an API server in memory that knows a few people."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from batchprocess.protocol.progress import ProgressReport
from batchprocess_operator.endpoint.progress_tracker import ProgressTracker
from batchprocess_operator.endpoint.report_store import PodFacts
from batchprocess_operator.kube.errors import OversizedAnswer, Unavailable
from batchprocess_operator.page.access.gate import Gate
from batchprocess_operator.page.history import History
from batchprocess_operator.page.http.answers import Answer
from batchprocess_operator.page.http.questions import Question, query_of
from batchprocess_operator.page.http.server import serve_page
from batchprocess_operator.page.job_events import JobEvents
from batchprocess_operator.page.memory import Memory, jobs_in
from batchprocess_operator.page.site import Site
from batchprocess_operator.watch.cache import JobCache
from support.operator.objects import NOW, UID, job_object

TOKENS = {"all-token": "all", "team-token": "team", "nobody-token": "nobody"}
RIGHTS = {"all": {""}, "team": {"team"}, "nobody": set()}
"""Person -> namespaces in which they may read everything; the empty one stands for all."""


@dataclass
class FakeReviews:
    """What the page asks of an API server. `down`: it does not answer.

    `events_fail`: it has too many Events.
    """

    tokens: dict[str, str] = field(default_factory=lambda: dict(TOKENS))
    rights: dict[str, set[str]] = field(
        default_factory=lambda: {k: set(v) for k, v in RIGHTS.items()}
    )
    events: list[Any] = field(default_factory=list)
    asked: list[tuple[str, Mapping[str, Any]]] = field(default_factory=list)
    down: bool = False
    events_fail: bool = False

    async def create(self, path: str, body: Mapping[str, Any]) -> dict[str, Any]:
        self.asked.append((path.rpartition("/")[2], body["spec"]))
        await asyncio.sleep(0)
        if self.down:
            raise Unavailable("it is away")
        if path.endswith("tokenreviews"):
            name = self.tokens.get(body["spec"]["token"])
            user = {"username": name, "groups": ["people"]} if name else {}
            return {"status": {"authenticated": name is not None, "user": user}}
        wanted = body["spec"]["resourceAttributes"]
        mine = self.rights.get(body["spec"]["user"], set())
        return {"status": {"allowed": "" in mine or wanted.get("namespace") in mine}}

    async def get(
        self, path: str, query: Mapping[str, str] | None = None, most: int = 0
    ) -> dict[str, Any]:
        self.asked.append(("events", {"path": path, "most": most, **(query or {})}))
        if self.events_fail:
            raise OversizedAnswer("too much")
        return {"items": self.events}


@dataclass
class PageWorld:
    """A site and all that it stands on. `time` passes when somebody says so."""

    reviews: FakeReviews = field(default_factory=FakeReviews)
    cache: JobCache = field(default_factory=JobCache)
    now: datetime = NOW
    time: float = 0.0

    def __post_init__(self) -> None:
        self.tracker = ProgressTracker(lambda uid: None, lambda uid: None, lambda: self.now)
        self.history = History(lambda: jobs_in(self.cache), self._seconds)
        memory = Memory(self.cache, self.tracker, self.history, lambda: self.now)
        api: Any = self.reviews
        self.gate = Gate(api, lambda: self.time)
        self.site = Site(self.gate, memory, JobEvents(api, lambda: self.time))

    def _seconds(self) -> float:
        return self.now.timestamp()

    def add(
        self,
        name: str = "digits",
        namespace: str = "team",
        uid: str = "",
        status: dict[str, Any] | None = None,
        age: float = 100,
        **spec: Any,
    ) -> str:
        """One more job; returns its UID."""
        made = job_object(status, **spec)
        created = self.now - timedelta(seconds=age)
        made["metadata"] |= {"name": name, "namespace": namespace}
        made["metadata"]["creationTimestamp"] = f"{created:%Y-%m-%dT%H:%M:%SZ}"
        made["metadata"] |= {"uid": uid or (UID if name == "digits" else f"uid-{namespace}-{name}")}
        return self.cache.put_job(made)

    def report(self, uid: str, shards: Iterable[Mapping[str, Any]], **more: Any) -> None:
        """As a pod of the job sends it."""
        report = ProgressReport.model_validate({"shards": list(shards), **more})
        numbers = frozenset(one.shard for one in report.shards)
        pod = PodFacts("team", "pod", "uid-pod", uid, numbers, alive=True)
        self.tracker.record(pod, report, self.time)

    def passes(self, seconds: float) -> None:
        self.time += seconds
        self.now += timedelta(seconds=seconds)

    async def ask(
        self,
        path: str,
        token: str = "all-token",
        *,
        method: str = "GET",
        body: str = "",
        address: str = "127.0.0.1",
        **headers: str,
    ) -> Answer:
        """One question, as of a browser that is logged in."""
        place, _, query = path.partition("?")
        given = {name.replace("_", "-"): value for name, value in headers.items()}
        cookie = {"cookie": f"batchprocess-token={token}"} if token else {}
        asked = Question(method, place, query_of(query), cookie | given, address, body.encode())
        return await self.site.answer(asked)

    def get(self, path: str, token: str = "all-token", **headers: str) -> Answer:
        """The same, from outside of a loop."""
        return asyncio.run(self.ask(path, token, **headers))

    @contextlib.asynccontextmanager
    async def served(self) -> AsyncIterator[int]:
        """On a port of this machine."""
        async with serve_page(self.site.answer, "127.0.0.1", 0) as port:
            yield port


def today() -> datetime:
    """For pictures and browsers, whose cookies and clocks are of now."""
    return datetime.now(UTC).replace(microsecond=0)
