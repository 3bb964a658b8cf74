"""A sender of messages in virtual time, that answers as a test says."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

from batchprocess_operator.notify.outcome import Outcome
from batchprocess_operator.notify.request import Request

Answer = Callable[[str, int], Outcome]


@dataclass
class FakeSender:
    """Answers as `answer` says of an id and the number of its try."""

    answer: Answer
    seconds: float = 0.1
    sent: list[tuple[float, str]] = field(default_factory=list)
    open: int = 0
    most_open: int = 0

    async def send(self, request: Request) -> Outcome:
        key = request.headers["webhook-id"]
        self.sent.append((asyncio.get_running_loop().time(), key))
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        await asyncio.sleep(self.seconds)
        self.open -= 1
        return self.answer(key, sum(key == one for _, one in self.sent))

    def ids(self) -> list[str]:
        return [key for _, key in self.sent]
