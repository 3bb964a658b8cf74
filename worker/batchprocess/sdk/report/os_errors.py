"""Whose fault an OSError of user code is: the machine's and its mounts', or that of the data."""

import errno
import re
from collections.abc import Iterator
from enum import Enum
from pathlib import Path

_NETWORKS = frozenset(
    {
        *("aiohttp", "azure", "botocore", "fsspec", "gcsfs", "google.api_core", "google.auth"),
        *("google.cloud", "google.resumable_media", "grpc", "http", "httpcore", "httpx"),
        *("huggingface_hub", "paramiko", "requests", "s3fs", "socket", "ssl", "urllib", "urllib3"),
    }
)
"""Packages whose errors speak of a network or a hub, whatever text and number they have."""
_READERS = frozenset(
    {
        *("PIL", "_struct", "bz2", "gzip", "lzma", "struct", "tarfile", "torchvision", "zipfile"),
        *("_lzma", "imageio", "tifffile", "zlib"),
    }
)
"""Packages that make something of bytes: what they raise speaks of these bytes."""
_WORDS = re.compile(
    "bad magic|broken|cannot identify|checksum|corrupt|decode|decompress|deserialize"
    "|filter returned|inflate|signature|truncated|unexpected end|unrecognized",
    re.IGNORECASE,
)
"""Of errors of compiled readers (HDF5, Arrow), which have neither a class nor a number."""
_SOME_NUMBER = re.compile(r"errno\W{1,3}\d|AWS Error", re.IGNORECASE)
_OF_PATHS = frozenset({errno.ENOENT, errno.ENOTDIR, errno.EACCES, errno.EPERM})
_OF_DATA = frozenset(
    {errno.EISDIR, errno.ENAMETOOLONG, errno.ELOOP, errno.EILSEQ, errno.EINVAL, errno.EEXIST}
)
_MAX_CHAIN = 20


class Origin(Enum):
    """What an error speaks of."""

    MACHINE = "the machine, its mounts, a network"
    DATA = "the data, or the code that reads it"
    UNKNOWN = "nothing says"


def origin_of(error: OSError) -> Origin:
    """By its class, its number and path, and, if it has no number, by what it was made from."""
    if is_of_network(error) or isinstance(error, ConnectionError | TimeoutError):
        return Origin.MACHINE
    if error.errno is not None:
        return _of_number(error)
    if _is_of(error, _READERS):
        return Origin.DATA
    for behind in chain_of(error):
        found = _of_another(behind)
        if found is not Origin.UNKNOWN:
            return found
    return _of_plain(error)


def is_of_network(error: BaseException) -> bool:
    """Whether its class comes from a package for networks or hubs; not all of them are OSErrors."""
    return _is_of(error, _NETWORKS)


def chain_of(error: BaseException, *, explicit: bool = False) -> Iterator[BaseException]:
    """What `error` was made from, the nearest first; `explicit`: only what it was raised `from`."""
    for _ in range(_MAX_CHAIN):
        behind = error.__cause__
        if behind is None and not (explicit or error.__suppress_context__):
            behind = error.__context__
        if behind is None:
            return
        yield behind
        error = behind


def text_of(error: BaseException) -> str:
    """What it says; a class of the user's may fail to say anything."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001  the words that Python has for that
        return "<exception str() failed>"


def _of_another(error: BaseException) -> Origin:
    if isinstance(error, OSError):
        return origin_of(error) if error.errno is not None else _of_class(error)
    return _of_class(error)


def _of_class(error: BaseException) -> Origin:
    if is_of_network(error):
        return Origin.MACHINE
    of_data = _is_of(error, _READERS) or isinstance(error, EOFError | SyntaxError | UnicodeError)
    return Origin.DATA if of_data else Origin.UNKNOWN


def _is_of(error: BaseException, packages: frozenset[str]) -> bool:
    modules = (f"{one.__module__}." for one in type(error).__mro__)
    return any(module.startswith(f"{name}.") for module in modules for name in packages)


def _of_number(error: OSError) -> Origin:
    if error.errno in _OF_DATA:
        return Origin.DATA
    if error.errno in _OF_PATHS and isinstance(error.filename, str | bytes):
        return Origin.DATA if _is_there(Path(_text(error.filename)).parent) else Origin.MACHINE
    return Origin.MACHINE


def _is_there(folder: Path) -> bool:
    """Whether it can be read and holds anything: where nothing is mounted, a folder is empty."""
    try:
        return next(folder.iterdir(), None) is not None
    except OSError:
        return False


def _text(name: str | bytes) -> str:
    return name if isinstance(name, str) else name.decode(errors="surrogateescape")


def _of_plain(error: OSError) -> Origin:
    """An OSError that is nothing else, with a text: by whom it was raised, or by its words."""
    trace, raised_in = error.__traceback__, ""
    while trace is not None:
        raised_in = str(trace.tb_frame.f_globals.get("__name__", ""))
        trace = trace.tb_next
    if raised_in.partition(".")[0] in _READERS:
        return Origin.DATA
    text = text_of(error)
    by_words = _WORDS.search(text) is not None and _SOME_NUMBER.search(text) is None
    return Origin.DATA if type(error) is OSError and by_words else Origin.UNKNOWN
