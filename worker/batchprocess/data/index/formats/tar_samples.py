"""Samples in a tar file, as webdataset groups them.

Files that follow one another and have one name up to the first dot behind their folder are one
sample, each under what stands behind that dot, in small letters. Folders, hidden files and files
without an extension are none of it.
"""

import tarfile
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, NoReturn

from batchprocess.protocol.errors import BatchProcessError, InvalidArgument

KEY = "__key__"
MAX_SAMPLE = 2 << 30
MAX_HEADER = 1 << 20


@dataclass
class Sample:
    """One sample: offsets of its first header and of what follows it, and of its files' bytes."""

    key: str
    begin: int
    end: int = 0
    files: dict[str, tuple[int, int]] = field(default_factory=dict)
    """By extension, first byte and end."""


class TarWalk:
    """Iterates over samples; has seen `count` of them, and is at byte `end`, behind the last."""

    def __init__(self, file: BinaryIO, name: str) -> None:
        self._file, self._name = file, name
        self.count = 0
        self.end = 0

    def __iter__(self) -> Iterator[Sample]:
        last: Sample | None = None
        for member in self._members():
            key, extension = _split(member.name)
            if not extension:
                continue
            if last is not None and key != last.key:
                yield self._closed(last)
                last = None
            last = last or Sample(key, member.offset)
            self._add(last, member, extension)
        if last is not None:
            yield self._closed(last)

    def _closed(self, sample: Sample) -> Sample:
        self.count += 1
        return sample

    def _members(self) -> Iterator[tarfile.TarInfo]:
        """All but folders. A header that is none, or not whole, ends it: see `end`."""
        try:
            headers: BinaryIO = _Headers(self._file)  # type: ignore[assignment]
            tar = tarfile.TarFile(fileobj=headers, mode="r", encoding="utf-8")
            while (member := tar.next()) is not None:
                tar.members.clear()  # type: ignore[attr-defined]  # it would keep all
                if member.size < 0:
                    self._refuse(f"is damaged: {member.name!r} has {member.size} bytes")
                if tar.pax_headers.keys() & {"path", "size"}:
                    self._refuse("has one name or size for all files: pack it anew")
                if not member.isdir():
                    yield member
                self.end = tar.offset
        except BatchProcessError:
            raise
        except (tarfile.TarError, _NoHeader, RecursionError, ValueError) as error:
            raise InvalidArgument(f"{self._name} {_what(error)}: {self._whole()}") from error

    def _whole(self) -> str:
        return f"{self.count} samples before it are whole; pack it again, or leave it out"

    def _add(self, sample: Sample, member: tarfile.TarInfo, extension: str) -> None:
        shown = f"row {self.count}, {member.name!r},"
        if not _is_unicode(member.name):
            self._refuse(f"{shown} has a name that is not UTF-8: rename it")
        if not member.isreg() or member.issparse():
            self._refuse(
                f"{shown} is a link, a file with holes or a device: pack it with "
                "tar --dereference --hard-dereference"
            )
        if extension in sample.files or extension == KEY:
            self._refuse(f"{shown} is there twice: rename one of the two")
        end = member.offset_data + member.size
        sample.files[extension] = member.offset_data, end
        sample.end = member.offset_data + -(-member.size // 512) * 512
        if end - sample.begin > MAX_SAMPLE:
            self._refuse(f"{shown} ends {end - sample.begin:,} bytes behind its sample's begin, at "
                         f"most {MAX_SAMPLE:,} are allowed")  # fmt: skip

    def _refuse(self, why: str) -> NoReturn:
        raise InvalidArgument(f"{self._name}: {why}")


class _NoHeader(Exception):
    pass


class _Headers:
    """A file in which headers only are read: of a size that no honest one is above."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.seek, self.tell = file.seek, file.tell

    def read(self, size: int = -1) -> bytes:
        if not 0 <= size <= MAX_HEADER:
            raise _NoHeader
        return self._file.read(size)


def _split(name: str) -> tuple[str, str]:
    """Key and extension; both empty if it has none, or is hidden."""
    folder, slash, base = name.rpartition("/")
    head, _, extension = base.partition(".")
    return (folder + slash + head, extension.lower()) if head and extension else ("", "")


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True


def _what(error: Exception) -> str:
    match error:
        case tarfile.ReadError() if "end of data" in str(error):
            return "is cut off"
        case _NoHeader() | RecursionError():
            return f"is damaged: a header has more than {MAX_HEADER:,} bytes"
    return f"is no tar file, or a damaged one ({error})"
