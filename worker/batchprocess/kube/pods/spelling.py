"""How texts of ours are spelled, so that a container gets them as they are.

Kubernetes expands `$(NAME)` and shortens `$$` in a container's command and in the values of its
environment, whoever wrote them: text of a job could change, or be given a secret. In the user's
own `env` this is wanted.
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any

Spelling = Callable[[str], str]


def literal(text: str) -> str:
    """What Kubernetes makes `text` of."""
    return text.replace("$", "$$")


def as_written(text: str) -> str:
    """As operators wrote it that did not know better: a run begun so must go on so."""
    return text


def spell_values(entries: Iterable[Mapping[str, Any]], spell: Spelling) -> list[dict[str, Any]]:
    """Environment entries; those from elsewhere, which nothing expands, stay as they are."""
    return [
        {**entry, "value": spell(entry["value"])} if "value" in entry else dict(entry)
        for entry in entries
    ]
