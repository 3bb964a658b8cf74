"""Lines of a body that comes in pieces of any size, and of which one may be endless. Pure."""


class Lines:
    """Puts lines together, none of which is longer than `longest` bytes."""

    def __init__(self, longest: int) -> None:
        self._longest, self._held, self._size = longest, list[bytes](), 0

    def ended_by(self, part: bytes) -> list[bytes]:
        """The lines that end within `part`, without their ends; the rest of it is kept.

        Raises ValueError as soon as a line is too long, whether or not it has ended.
        """
        first, *others = part.split(b"\n")
        self._held.append(first)
        self._size += len(first)
        if max(self._size, *map(len, others), 0) > self._longest:
            raise ValueError(f"a line of more than {self._longest} bytes")
        if not others:
            return []
        lines = [b"".join(self._held), *others[:-1]]
        self._held, self._size = others[-1:], len(others[-1])
        return lines
