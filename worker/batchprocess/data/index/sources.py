"""Which objects a reader is to read, as its user names them: paths, folders, globs, addresses.

A folder or an address that ends in `/` stands for all below it but hidden names, those that begin
with `.` or `_`: `_SUCCESS`, `.part-0.crc`. A glob has `*`, `?` or `[...]` in one name, or `**` for
any folders. `@list.txt` is a file with one of these a line.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TypeAlias

from batchprocess.protocol.errors import InvalidArgument

Sources: TypeAlias = str | Path | Sequence[str | Path]
_WILD = re.compile(r"[*?\[]")
_MAX_LIST = 64 << 20


@dataclass(frozen=True)
class Source:
    """One of them. `root` is `s3://bucket` or a folder; `path` begins below it."""

    root: str
    path: str
    exact: bool = False
    """Names one object, whatever characters it has."""

    @property
    def name(self) -> str:
        """As in the address, for errors."""
        return f"{self.root.rstrip('/')}/{self.path}"

    @property
    def is_glob(self) -> bool:
        """Whether a part of it is a pattern."""
        return not self.exact and _WILD.search(self.path) is not None

    @property
    def prefix(self) -> str:
        """What all keys that match begin with, as far as it is known."""
        wild = _WILD.search(self.path) if self.is_glob else None
        return self.path if wild is None else self.path[: wild.start()]

    @cached_property
    def _pattern(self) -> re.Pattern[str]:
        return re.compile(_regex(self.path), re.DOTALL)

    def has(self, key: str) -> bool:
        """Whether an object of that key is meant, by a glob or by the folder that it is in."""
        if self.is_glob:
            return self._pattern.fullmatch(key) is not None
        below = key.removeprefix(self.path)
        return not any(name.startswith((".", "_")) for name in below.split("/"))


def parse_sources(given: Sources) -> list[Source]:
    """Of a reader's argument; InvalidArgument names what cannot be one."""
    several = [given] if isinstance(given, str | Path) else list(given)
    if not several:
        raise InvalidArgument("source is an empty list: name at least one file, folder or address")
    found = []
    for one in several:
        if not isinstance(one, str | Path) or not str(one):
            raise InvalidArgument(f"source {one!r} is no path and no address")
        text = str(one)
        found += _listed(text[1:]) if text.startswith("@") else [_parse(text)]
    return found


def _parse(text: str) -> Source:
    if "\0" in text:
        raise InvalidArgument(f"source {text!r} has a NUL character")
    if text.startswith("s3://"):
        bucket, _, path = text.removeprefix("s3://").partition("/")
        if not bucket:
            raise InvalidArgument(f"source {text!r} names no bucket: s3://bucket/prefix/")
        return Source(f"s3://{bucket}", path, exact=_WILD.search(path) is None and _is_key(path))
    if text.startswith("file:///"):
        text = text.removeprefix("file://")
    if "://" in text or text.lower().startswith(("s3:", "file:")):
        raise InvalidArgument(
            f"source {text!r} is not understood: use s3://bucket/prefix/, or a path"
        )
    if Path(text).is_dir():
        return Source(text, "")
    wild = None if Path(text).exists() else _WILD.search(text)
    folder, slash, name = (text if wild is None else text[: wild.start()]).rpartition("/")
    if wild is not None:
        name = text[len(folder + slash) :]
    return Source(folder + slash or ".", name, exact=wild is None)


def _is_key(path: str) -> bool:
    return path != "" and not path.endswith("/")


def _listed(path: str) -> list[Source]:
    try:
        with Path(path).open("rb") as file:
            content = file.read(_MAX_LIST + 1)
    except OSError as error:
        raise InvalidArgument(f"source @{path} cannot be read: {error.strerror}") from error
    if len(content) > _MAX_LIST:
        raise InvalidArgument(f"source @{path} has more than {_MAX_LIST} bytes: name folders")
    try:
        # Not splitlines: a name may have whatever else ends lines elsewhere.
        lines = content.decode("utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        raise InvalidArgument(f"source @{path} is not UTF-8: {error}") from error
    found = [_parse(line.strip()) for line in lines if line.strip()]
    if not found:
        raise InvalidArgument(f"source @{path} names nothing: one path or address a line")
    return found


_SHOWN = "(?![._])"
"""At the beginning of a name: a pattern finds hidden ones only if it begins as they do."""


def _regex(glob: str) -> str:
    made = []
    at = 0
    while at < len(glob):
        shown = _SHOWN if glob[at] in "*?[" and (at == 0 or glob[at - 1] == "/") else ""
        if glob.startswith("**/", at):
            made.append(f"(?:{_SHOWN}[^/]*/)*")
            at += 3
        elif glob.startswith("**", at):
            made.append(f"{shown}[^/]*(?:/{_SHOWN}[^/]*)*")
            at += 2
        elif glob[at] == "[" and (end := glob.find("]", at + 2)) > 0:
            made.append(shown + _class(glob[at + 1 : end]))
            at = end + 1
        else:
            made.append(shown + {"*": "[^/]*", "?": "[^/]"}.get(glob[at], re.escape(glob[at])))
            at += 1
    return "".join(made)


def _class(inner: str) -> str:
    kept = inner.removeprefix("!").replace("\\", r"\\").replace("[", r"\[").replace("^", r"\^")
    return f"[{'^/' if inner.startswith('!') else ''}{kept}]"
