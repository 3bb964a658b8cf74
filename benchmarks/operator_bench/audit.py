"""What the operator wrote, by the API server's own audit log."""

import json
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path


@dataclass(frozen=True)
class Write:
    """One write request; `at` is when it was answered, in seconds of the epoch."""

    kind: str
    name: str
    code: int
    at: float

    @property
    def failed(self) -> bool:
        """It was refused."""
        return self.code >= 400


def writes_of(log: Path) -> list[Write]:
    """Every write of the operator, in the order of the log."""
    return [_write(json.loads(line)) for line in log.read_text().splitlines()]


def by_kind(writes: list[Write]) -> dict[str, int]:
    """Numbers of writes: `create jobs`, `update batchprocessjobs/status`, `create events`."""
    return dict(sorted(Counter(one.kind for one in writes).items()))


def _write(event: dict[str, object]) -> Write:
    about, status = event["objectRef"], event["responseStatus"]
    assert isinstance(about, dict)
    assert isinstance(status, dict)
    resource = "/".join(filter(None, (about["resource"], about.get("subresource"))))
    at = datetime.fromisoformat(str(event["stageTimestamp"])).timestamp()
    # Of a dry run nothing comes, so it is no write of the resource.
    dry = "dry run: " if "dryRun=All" in str(event["requestURI"]) else ""
    kind = f"{dry}{event['verb']} {resource}"
    return Write(kind, str(about.get("name", "")), int(status["code"]), at)
