"""Names of output files, which become the last part of an object's key."""

_MAX_PART, _MAX_NAME = 255, 512
"""Bytes: of one part between slashes, and of the whole."""


def check_name(name: str) -> None:
    """Raise ValueError unless `name` may become part of an object's key."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(f"file name {name!r} is not valid UTF-8: rename it") from None
    if size > _MAX_NAME:
        raise ValueError(f"file name {name!r} has {size} bytes, at most {_MAX_NAME} are allowed")
    for part in name.split("/"):
        if part in ("", ".", "..") or len(part.encode()) > _MAX_PART or _has_control(part):
            raise ValueError(
                f"file name {name!r} is not allowed: parts have 1 to {_MAX_PART} bytes, no control "
                "characters, and are not '.' or '..'"
            )


def _has_control(part: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in part)
