"""Names of output files, which become the last part of an object's key, and keys beside them."""

import re

MAX_PART_BYTES, MAX_NAME_BYTES = 255, 512
"""Of one part between slashes, and of the whole."""
_OF_RECORD = re.compile(r"^data/[0-9]{5,}/([0-9]{8,12})-")
_NUMBER = re.compile(r"^[0-9]{4,9}$")


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


def reducer_key(prefix: str, number: int) -> str:
    """Where a large reducer value lies, beside the record's folder: no file's name can meet it."""
    return f"{prefix.removesuffix('/')}.reducers/{number:04d}.json"


def is_reducer_key(key: str, prefix: str) -> bool:
    """Whether `key` is one of these for some number."""
    number = key.rpartition("/")[2].removesuffix(".json")
    return _NUMBER.match(number) is not None and key == reducer_key(prefix, int(number))


def data_folder(shard: int) -> str:
    """What the keys of all files of a shard begin with."""
    return f"data/{shard:05d}/"


def record_of_data(key: str) -> int | None:
    """The number of the record that is to name this file of a shard; None if the key says none."""
    found = _OF_RECORD.match(key)
    return None if found is None else int(found[1])


def is_data_key(key: str, shard: int) -> bool:
    """Whether `key` is below the shard's folder of data, where any store may be asked for it."""
    return key.startswith(data_folder(shard)) and not {"", ".", ".."} & set(key.split("/"))


def is_metric_group(group: str) -> bool:
    """Whether `group` may name a file of the run, `metrics/<group>.jsonl`."""
    if not group or any(character in group for character in "./\\"):
        return False
    try:
        check_name(f"{group}.jsonl")
    except ValueError:
        return False
    return True


def _has_control(part: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in part)
