"""Tracebacks that a person has read already are told in one line. Pure."""

from dataclasses import dataclass, field

_BEGINS = "Traceback (most recent call last):"
_MAX_LINES, _MAX_KNOWN = 200, 1_000


@dataclass
class TracebackFold:
    """Lines of several sources; those of a traceback are held back until its last one."""

    known: set[tuple[str, ...]] = field(default_factory=set)
    held: dict[int, list[str]] = field(default_factory=dict)

    def lines(self, source: int, line: str) -> list[str]:
        """What is to be shown now that `source` has written `line`."""
        held = self.held.get(source)
        if held is None:
            if not line.endswith(_BEGINS):
                return [line]
            self.held[source] = [line]
            return []
        held.append(line)
        if line.startswith(" ") and len(held) < _MAX_LINES:
            return []
        return self._shown(self.rest(source))

    def rest(self, source: int) -> list[str]:
        """What is held back of a source that has ended."""
        return self.held.pop(source, [])

    def _shown(self, block: list[str]) -> list[str]:
        calls, last = block[:-1], block[-1]
        key = (*calls, last.partition(":")[0])
        if key in self.known:
            return [f"(traceback as above) {last}"]
        if len(self.known) < _MAX_KNOWN:
            self.known.add(key)
        return block
