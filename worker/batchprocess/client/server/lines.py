"""Lines of a body that comes in pieces of any size, and of which one may be endless. Pure."""

from collections.abc import Iterable, Iterator

from batchprocess.kube.lines import Lines


def whole_lines(parts: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """The lines, without their ends; ValueError for one of more than `longest` bytes.

    An unfinished line at the end is none.
    """
    lines = Lines(longest)
    for part in parts:
        yield from lines.ended_by(part)


def cut_lines(parts: Iterable[bytes], longest: int) -> Iterator[bytes]:
    """The lines, each cut at `longest` bytes; an unfinished one at the end is one."""
    rest = b""
    for part in parts:
        *ended, rest = (rest + part).split(b"\n")
        yield from (line[:longest] for line in ended)
        # What is beyond is not kept, nor is what follows of the same line shown.
        rest = rest[:longest]
    if rest:
        yield rest
