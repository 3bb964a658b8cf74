"""What a report is answered: whose it is, whether it comes too often, and what it says."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pydantic import ValidationError

from batchprocess.protocol.progress import REPORTS_PATH, ProgressReport
from batchprocess_operator.endpoint.limits import Limits
from batchprocess_operator.endpoint.refusal import Refusal
from batchprocess_operator.endpoint.report_store import PodFacts, Reports
from batchprocess_operator.endpoint.tokens import Verifier

_MAX_SENTENCE = 300


@dataclass(frozen=True)
class Request:
    """What of a request matters. `read_body` reads it, or raises Refusal if it is too large."""

    method: str
    path: str
    authorization: str | None
    read_body: Callable[[], Awaitable[bytes]]


@dataclass(frozen=True)
class ReportHandler:
    """What a report passes on its way in. `clock` in seconds, never going back.

    `answered` is called with the code of each answer.
    """

    verifier: Verifier
    reports: Reports
    clock: Callable[[], float]
    limits: Limits = field(default_factory=Limits)
    answered: Callable[[int], None] = lambda _code: None

    async def handle(self, request: Request) -> PodFacts:
        """Whose report was taken, or a Refusal.

        The sender comes first, then how often it may, then what it says.
        """
        if request.path != REPORTS_PATH:
            raise Refusal(404, f"there is nothing but {REPORTS_PATH}")
        if request.method != "POST":
            raise Refusal(405, "reports are sent with POST")
        body = await request.read_body()
        pod = await self.verifier.sender(request.authorization)
        blameless = self.limits.ask(pod.uid, self.clock())
        wait = self.limits.admit(pod.uid, pod.namespace, self.clock())
        if wait is not None:
            raise Refusal(429, "reports come too often", wait, blameless=blameless)
        report = _parse(body)
        shards = {one.shard for one in report.shards}
        if len(shards) < len(report.shards):
            raise Refusal(422, "shards: one of them is told twice")
        if shards - pod.shards:
            raise Refusal(403, f"shard {min(shards - pod.shards)} is not one of this pod's")
        self.reports.record(pod, report, self.clock())
        return pod


def _parse(body: bytes) -> ProgressReport:
    try:
        return ProgressReport.model_validate_json(body)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"]) or "the report"
        raise Refusal(422, f"{where}: {first['msg']}"[:_MAX_SENTENCE]) from error
