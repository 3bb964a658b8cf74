"""Names of output files, which become the last part of an object's key, and keys beside them."""

import re

from batchprocess.protocol.records import ledger_prefix

MAX_PART_BYTES, MAX_NAME_BYTES = 255, 512
"""Of one part between slashes, and of the whole."""
_OF_RECORD = re.compile(r"^(?:data|errors)/[0-9]{5,}/([0-9]{8,12})-")
BAD_ROWS_FOLDER = "errors/"
_RECORD_KEY = re.compile(r"^ledger/([0-9]{5,9})/([0-9]{8,12})\.json$")
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


def is_name(name: str) -> bool:
    """Whether `check_name` takes it."""
    try:
        check_name(name)
    except ValueError:
        return False
    return True


def reducer_key(prefix: str, number: int) -> str:
    """Where a large reducer value lies, beside the record's folder: no file's name can meet it."""
    return f"{prefix.removesuffix('/')}.reducers/{number:04d}.json"


def is_reducer_key(key: str, prefix: str) -> bool:
    """Whether `key` is one of these for some number."""
    number = key.rpartition("/")[2].removesuffix(".json")
    return _NUMBER.match(number) is not None and key == reducer_key(prefix, int(number))


def place_of_record(key: str) -> tuple[int, int] | None:
    """Shard and number of the record that stands at `key`; None if it is no record's."""
    found = _RECORD_KEY.match(key)
    return None if found is None else (int(found[1]), int(found[2]))


def failure_key(shard: int, batch: int, nonce: str) -> str:
    """Where an attempt that ends 90 leaves its note (information only)."""
    return f"{failure_prefix(shard)}{batch}-{nonce}.json"


def failure_prefix(shard: int) -> str:
    """What all such notes of a shard begin with."""
    return f"{ledger_prefix(shard)}failed-"


def bad_rows_key(prefix: str) -> str:
    """Where the bad rows of the record lie whose files lie below `prefix`."""
    return f"{BAD_ROWS_FOLDER}{prefix.removeprefix('data/').removesuffix('/')}.jsonl"


def bad_rows_folder(shard: int) -> str:
    """What the keys of all bad rows of a shard begin with."""
    return f"{BAD_ROWS_FOLDER}{shard:05d}/"


def data_folder(shard: int) -> str:
    """What the keys of all files of a shard begin with."""
    return f"data/{shard:05d}/"


def record_of_data(key: str) -> int | None:
    """The number of the record that is to name this object; None if the key says none."""
    found = _OF_RECORD.match(key)
    return None if found is None else int(found[1])


def is_data_key(key: str, shard: int) -> bool:
    """Whether `key` is below one of the shard's folders, where any store may be asked for it."""
    below = key.startswith((data_folder(shard), bad_rows_folder(shard)))
    return below and not {"", ".", ".."} & set(key.split("/"))


def is_metric_group(group: str) -> bool:
    """Whether `group` may name a file of the run, `metrics/<group>.jsonl`."""
    if not group or any(character in group for character in "./\\"):
        return False
    return is_name(f"{group}.jsonl")


def _has_control(part: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in part)
