"""The JSON Schema with which editors check and complete a job file. Pure."""

from typing import Any

from batchprocess.api.job import BatchProcessJob


def editor_schema() -> dict[str, Any]:
    """As the models read it: what only a cluster asks for is not required here."""
    made: dict[str, Any] = _for_people(BatchProcessJob.model_json_schema())
    # Exported objects have it, and nobody writes it.
    made["properties"]["status"] = {"type": "object", "description": "Written by the operator."}
    made["$defs"] = {name: node for name, node in made["$defs"].items() if _used(name, made)}
    made["$defs"]["Metadata"]["additionalProperties"] = True
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **made,
    }


def _for_people(node: Any) -> Any:
    """Without what only Kubernetes reads, and without titles that repeat the names."""
    if isinstance(node, list):
        return [_for_people(item) for item in node]
    if not isinstance(node, dict):
        return node
    kept = {
        key: _for_people(value)
        for key, value in node.items()
        if not key.startswith("x-") and not (key == "title" and isinstance(value, str))
    }
    if isinstance(kept.get("description"), str):
        kept["description"] = " ".join(kept["description"].split())
    return kept


def _used(name: str, root: dict[str, Any]) -> bool:
    """Whether a definition can be reached from the spec or the metadata."""
    seen: set[str] = set()
    todo: list[Any] = [root["properties"]]
    while todo:
        node = todo.pop()
        if isinstance(node, dict):
            reference = node.get("$ref", "").rpartition("/")[2]
            if reference and reference not in seen:
                seen.add(reference)
                todo.append(root["$defs"][reference])
            todo.extend(node.values())
        elif isinstance(node, list):
            todo.extend(node)
    return name in seen
