"""How things are said in sentences for people. Pure."""

import re
from collections.abc import Sequence

MAX_SENTENCE = 1_000
"""So many characters have room in a condition (1,024) and in an event."""
_MAX_CAUSES = 8
_WORD = re.compile(r"\w+")
_DIGIT = re.compile(r"\d")


def counted(number: int, noun: str) -> str:
    """`1 pod`, `2 pods`."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def folded(text: str) -> str:
    """`text` without what varies from one time to the next: numbers, addresses, uids.

    For telling whether two messages say the same; words with a digit in them are one sign.
    """
    return _WORD.sub(lambda word: "#" if _DIGIT.search(word[0]) else word[0], text)


def sentence(causes: Sequence[str], last: str = "", limit: int = MAX_SENTENCE) -> str:
    """Causes, most telling first, and what is said at the end; none is lost to the limit.

    Long ones are cut until all have room; of many the last are counted.
    """
    said = [one for one in causes[:_MAX_CAUSES] if one]
    left = len(causes) - _MAX_CAUSES
    tail = [counted(left, "more cause")] if left > 0 else []
    tail += [last] if last else []
    room = limit - sum(len(one) + 2 for one in tail) - 2 * len(said)
    return "; ".join([*_cut(said, room), *tail])


def _cut(texts: Sequence[str], room: int) -> list[str]:
    """The longest are cut to what the shorter ones leave."""
    share, left = 0, room
    for number, text in enumerate(sorted(texts, key=len)):
        share = max(left // (len(texts) - number), 1)
        left -= min(len(text), share)
    return [text if len(text) <= share else f"{text[: share - 1]}…" for text in texts]
