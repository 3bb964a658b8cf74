"""Names of output files, which become the last part of an object's key."""

MAX_PART_BYTES, MAX_NAME_BYTES = 255, 512
"""Of one part between slashes, and of the whole."""


def check_name(name: str) -> None:
    """Raise ValueError unless `name` may become part of an object's key."""
    try:
        size = len(name.encode())
    except UnicodeEncodeError:
        raise ValueError(f"file name {name!r} is not valid UTF-8: rename it") from None
    if size > MAX_NAME_BYTES:
        raise ValueError(
            f"file name {name!r} has {size} bytes, at most {MAX_NAME_BYTES} are allowed"
        )
    for part in name.split("/"):
        if part in ("", ".", "..") or len(part.encode()) > MAX_PART_BYTES or _has_control(part):
            raise ValueError(
                f"file name {name!r} is not allowed: parts have 1 to {MAX_PART_BYTES} bytes, no "
                "control characters, and are not '.' or '..'"
            )


def _has_control(part: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in part)
