"""From YAML text to plain values, as strictly as JSON: what is said twice is an error."""

from typing import Any

import yaml

from batchprocess.protocol.errors import InvalidArgument

MAX_BYTES = 1 << 20
_MAX_NODES = 100_000
_ONLY_YAML = ("timestamp", "binary", "set", "omap", "pairs")
"""Types that JSON, and so Kubernetes, does not have; an unquoted date stays text, as there."""


class _Loader(yaml.SafeLoader):
    yaml_constructors = {
        tag: made
        for tag, made in yaml.SafeLoader.yaml_constructors.items()
        if tag is None or tag.rpartition(":")[2] not in _ONLY_YAML
    }
    yaml_implicit_resolvers = {
        first: [(tag, pattern) for tag, pattern in found if not tag.endswith(_ONLY_YAML)]
        for first, found in yaml.SafeLoader.yaml_implicit_resolvers.items()
    }


def parse(text: str, source: str) -> tuple[yaml.Node | None, Any]:
    """The text's nodes, which know their lines, and its value. Raises InvalidArgument."""
    if len(text) > MAX_BYTES:
        raise InvalidArgument(f"{source} is larger than {MAX_BYTES} bytes: is it a job?")
    try:
        node = yaml.compose(text, Loader=_Loader)
        if node is not None:
            _weigh(node, {}, source)
        return node, yaml.load(text, Loader=_Loader)  # noqa: S506  a SafeLoader with fewer types
    except yaml.YAMLError as error:
        raise InvalidArgument(_sentence(error, source)) from error
    except RecursionError:
        raise InvalidArgument(f"{source} is nested too deeply: is it a job?") from None


def _weigh(node: yaml.Node, known: dict[int, int | None], source: str) -> int:
    """Nodes that `node` stands for once its aliases are written out; refuses what has no end."""
    where = f"{source}, line {node.start_mark.line + 1}"
    if id(node) in known:
        weight = known[id(node)]
        if weight is None:
            raise InvalidArgument(f"{where}: an alias refers to itself")
        return weight
    known[id(node)] = None
    weight = 1 + sum(_weigh(part, known, source) for part in _parts(node, source))
    if weight > _MAX_NODES:
        raise InvalidArgument(f"{where}: its aliases stand for more than {_MAX_NODES} values")
    known[id(node)] = weight
    return weight


def _parts(node: yaml.Node, source: str) -> list[yaml.Node]:
    if isinstance(node, yaml.SequenceNode):
        return list(node.value)
    if not isinstance(node, yaml.MappingNode):
        return []
    seen: dict[str, int] = {}
    for key, _value in node.value:
        line = key.start_mark.line + 1
        if not isinstance(key, yaml.ScalarNode):
            continue
        if (first := seen.get(key.value)) is not None:
            raise InvalidArgument(
                f"{source}, line {line}: {key.value} is given twice, first in line {first}"
            )
        seen[key.value] = line
    return [part for pair in node.value for part in pair]


def _sentence(error: yaml.YAMLError, source: str) -> str:
    mark = getattr(error, "problem_mark", None)
    line = "" if mark is None else f", line {mark.line + 1}"
    said = getattr(error, "problem", None) or " ".join(str(error).split())
    return f"{source}{line}: this is not YAML: {said}"
