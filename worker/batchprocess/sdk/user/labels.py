"""Names that user code gives: of reducers, model versions and checkpoints."""

from typing import Any

from batchprocess.protocol.json_values import check_readable


def label_of(thing: Any) -> str:
    """What to call an object that names a model version or a checkpoint."""
    if isinstance(thing, str):
        return thing
    name = getattr(thing, "name", None)
    version = getattr(thing, "version", getattr(thing, "model_version", None))
    if name is not None or version is not None:
        return ":".join(str(part) for part in (name, version) if part is not None)
    return str(getattr(thing, "uuid", thing))


def check_label(text: Any) -> Any:
    """The text or None; TypeError or ValueError if no document could hold it."""
    if not isinstance(text, str | None):
        raise TypeError(f"a name must be a text, not {text!r:.100}")
    check_readable(text)
    return text
