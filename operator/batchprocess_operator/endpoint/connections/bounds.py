"""What the endpoint's connections may cost all together, and one of them by itself."""

from dataclasses import dataclass, replace
from typing import Self

from batchprocess_operator.listen.meters import Rate

HANDSHAKES = Rate(1 / 250, burst=500)
ADDRESS = Rate(1 / 20, burst=300)


@dataclass(frozen=True)
class Bounds:
    """Strangers are connections on which no report has been taken yet.

    `kept`, `strangers`: how many there may be; each has up to 100 KiB. `handshakes`: how fast new
    ones are let in. `address`: how many of them one address may have that bring no report; those
    under way count. `moment`: seconds that each stranger has before others take its place.
    """

    kept: int = 2_500
    strangers: int = 500
    handshakes: Rate = HANDSHAKES
    address: Rate = ADDRESS
    moment: float = 2.0

    def within(self, descriptors: int) -> Self:
        """As many as there are file descriptors for; a few in any case."""
        strangers = min(self.strangers, max(descriptors // 6, 16))
        return replace(
            self, strangers=strangers, kept=min(self.kept, max(descriptors - strangers, 16))
        )


STRANGER_SECONDS = 10.0
"""From the first packet to the answer."""
KEPT_SECONDS = 30.0
"""Between two answers: 20 s of silence, and 10 for a request."""
GOODBYE_SECONDS = 3.0
MAX_OCTETS = 32 * 1024
"""On the wire for one request with its handshake, of which token and body may have 4 KiB each."""
MAX_PIECES = 256
"""How many packets that may be: each costs us the same, with one byte in it too."""
MAX_UNREAD = 8 * 1024
"""Of answers that the other side does not read, beyond what the kernel takes."""
