"""Reading an answer up to a bound, so that no server and no object can use up our memory."""

import aiohttp


class TooLarge(Exception):
    """The body is longer than it may be; nothing of it was kept."""


async def read_at_most(response: aiohttp.ClientResponse, limit: int) -> bytes:
    """The body, unpacked. Raises TooLarge as soon as more than `limit` bytes have come.

    The connection is closed then: what is still under way is not worth reading.
    """
    parts, size = list[bytes](), 0
    async for part in response.content.iter_any():
        size += len(part)
        if size > limit:
            response.close()
            raise TooLarge(f"more than {limit} bytes")
        parts.append(part)
    return b"".join(parts)
