"""Names of output files, which become the last part of an object's key, and keys beside them."""

import functools
import re

from batchprocess.protocol.records import ledger_prefix

DEFAULT_OUTPUT = "batchprocess-runs"
"""The folder for runs on this machine where nobody says another."""
MAX_PART_BYTES, MAX_NAME_BYTES = 255, 512
"""Of one part between slashes, and of the whole."""
_OF_RECORD = re.compile(r"^(?:data|errors)/[0-9]{5,}/([0-9]{8,12})-")
_KNOWN_NAMES = 256
"""Of so many it is known that they may be: `save` asks several times a call."""
BAD_ROWS_FOLDER = "errors/"
_RECORD_KEY = re.compile(r"^ledger/([0-9]{5,9})/([0-9]{8,12})\.json$")
_NUMBER = re.compile(r"^[0-9]{4,9}$")
TABLES = "tables/"
"""What the keys of all files of `save` begin with, in a run of layout 2."""
_TABLE_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_.-]*")
_OF_TABLE = re.compile(
    r"tables/(?P<stem>[A-Za-z][A-Za-z0-9_.-]*)/"
    r"(?P<shard>[0-9]{5,9})-(?P<seq>[0-9]{8,12})-[0-9a-f]{32}\.[a-z]+"
)


@functools.lru_cache(_KNOWN_NAMES)
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
    if (of_table := _OF_TABLE.fullmatch(key)) is not None:
        return int(of_table["seq"])
    found = _OF_RECORD.match(key)
    return None if found is None else int(found[1])


def is_data_key(key: str, shard: int) -> bool:
    """Whether `key` is one of the shard's own files, so that any store may be asked for it."""
    if shard_of_table_file(key) == shard:
        return True
    below = key.startswith((data_folder(shard), bad_rows_folder(shard)))
    return below and not {"", ".", ".."} & set(key.split("/"))


def check_table_name(name: str) -> None:
    """Raise ValueError unless `name`, without its suffix, may be a folder of tables."""
    check_name(name)
    if _TABLE_NAME.fullmatch(name) is None:
        raise ValueError(
            f"{name!r} cannot name a table, which is a folder for readers of tables: begin with a "
            "letter, then letters, digits, '_', '.' or '-'; for files with folders or other names "
            "write into upload_path()"
        )


def is_table(folder: str) -> bool:
    """Whether a folder right below `tables/` may be one of ours."""
    return _TABLE_NAME.fullmatch(folder) is not None


def stem_of(name: str) -> str:
    """A table's name of one of its files: without the suffix."""
    return name.rpartition(".")[0]


def table_key(name: str, shard: int, seq: int, nonce: str) -> str:
    """Where a file of `save` stands that record `seq` is to name: no other attempt can name it."""
    stem, _, suffix = name.rpartition(".")
    return f"{table_prefix(stem, shard)}{seq:08d}-{nonce}.{suffix}"


def table_prefix(stem: str, shard: int) -> str:
    """What the keys of a shard's files in a table begin with."""
    return f"{TABLES}{stem}/{shard:05d}-"


def delta_folder(stem: str) -> str:
    """Where the log of Delta of a table is: never anything of ours but its first version."""
    return f"{TABLES}{stem}/_delta_log/"


def delta_key(stem: str) -> str:
    """Version 0 of it."""
    return f"{delta_folder(stem)}{0:020d}.json"


def is_own_table_key(key: str, name: str, shard: int, seq: int, nonce: str) -> bool:
    """Whether `key` is that of a file of `save` called `name`, of this very record."""
    return _OF_TABLE.fullmatch(key) is not None and key == table_key(name, shard, seq, nonce)


def stem_of_table_file(key: str) -> str | None:
    """The table that a key of our own form is in; None of any other key."""
    found = _OF_TABLE.fullmatch(key)
    return None if found is None else found["stem"]


def shard_of_table_file(key: str) -> int | None:
    """The shard whose file in a table this is; None if the key is not of our own form."""
    found = _OF_TABLE.fullmatch(key)
    return None if found is None else int(found["shard"])


def is_metric_group(group: str) -> bool:
    """Whether `group` may name a file of the run, `metrics/<group>.jsonl`."""
    if not group or any(character in group for character in "./\\"):
        return False
    return is_name(f"{group}.jsonl")


def _has_control(part: str) -> bool:
    return any(ord(character) < 32 or ord(character) == 127 for character in part)
