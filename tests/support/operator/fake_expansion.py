"""What the kubelet makes of a container's environment and command: its own rules, written down.

After `expand` and `MappingFuncFor` of Kubernetes' third_party/forked/golang/expansion, and
`makeEnvironmentVariables` of its kubelet. Names are looked up among the entries before.
"""

from collections.abc import Mapping
from typing import Any


def expand(text: str, known: Mapping[str, str]) -> str:
    """`$$` is `$`, `$(NAME)` the variable; an unknown one and a lone `$` stay."""
    found, at = "", 0
    while at < len(text):
        if text[at] != "$" or at + 1 == len(text):
            found, at = found + text[at], at + 1
            continue
        end = text.find(")", at + 2)
        if text[at + 1] == "$":
            found, at = found + "$", at + 2
        elif text[at + 1] == "(" and end > 0:
            name = text[at + 2 : end]
            found, at = found + known.get(name, f"$({name})"), end + 1
        else:
            # Kubernetes cuts a letter of several bytes in two here; nobody may rely on that.
            found, at = found + text[at : at + 2], at + 2
    return found


def started(container: Mapping[str, Any]) -> tuple[list[str], dict[str, str]]:
    """Command and environment of the process; values from elsewhere are `<name>`, unexpanded."""
    known: dict[str, str] = {}
    for entry in container["env"]:
        plain = entry.get("value")
        name = entry["name"]
        known[name] = f"<{name}>" if plain is None else expand(plain, known)
    words = [*container["command"], *container.get("args", ())]
    return [expand(word, known) for word in words], known
