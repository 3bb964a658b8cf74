"""Reading an answer up to a bound, so that no server and no object can use up our memory."""

from collections.abc import AsyncIterator

import aiohttp

from batchprocess.kube.lines import Lines


class TooLarge(Exception):
    """The body, or a line of it, is longer than it may be; nothing of it was kept."""


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


async def lines_at_most(response: aiohttp.ClientResponse, limit: int) -> AsyncIterator[bytes]:
    """The lines of a body, as they come. Raises TooLarge for one of more than `limit` bytes.

    An unfinished line at the end is none.
    """
    lines = Lines(limit)
    async for part in response.content.iter_any():
        try:
            ended = lines.ended_by(part)
        except ValueError as error:
            response.close()
            raise TooLarge(str(error)) from error
        for line in ended:
            yield line
