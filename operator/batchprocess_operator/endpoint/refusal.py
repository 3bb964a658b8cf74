"""The one way to say no: a status and a sentence, which the sender's log will show."""


class Refusal(Exception):
    """`sentence` is sent as JSON; it never holds any part of a token. `retry_after` in seconds.

    `blameless`: the sender has done nothing that it should not do.
    """

    def __init__(
        self,
        status: int,
        sentence: str,
        retry_after: int | None = None,
        *,
        blameless: bool = False,
    ) -> None:
        super().__init__(f"{status} {sentence}")
        self.status, self.sentence, self.retry_after = status, sentence, retry_after
        self.blameless = blameless
