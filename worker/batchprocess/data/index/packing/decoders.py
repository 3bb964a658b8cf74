"""What unpacks one gzip member or one Zstandard frame, by pieces of bounded size."""

import zlib
from collections.abc import Callable, Iterator
from typing import Any, Protocol

from batchprocess.protocol.errors import InvalidArgument

SUFFIXES = {".gz": "gzip", ".bgz": "gzip", ".zst": "zstd"}
_PIECE = 1 << 20
_ZSTD_STEP = 2048
"""Packed bytes at a time: 4 of them can become 128 KiB, and no bound can be asked for."""
_ZSTD_WINDOW = 1 << 27
"""Memory that a frame may want; what `zstd` itself takes without `--long`."""


class NotPacked(Exception):
    """Bytes that are not what they should be."""


class Decoder(Protocol):
    """Of one member or frame."""

    def decode(self, packed: bytes) -> Iterator[bytes]:
        """What more bytes of it become; to be asked for to the end. Raises NotPacked."""

    @property
    def rest(self) -> bytes | None:
        """Once it has ended: bytes of the last ones that it did not need. None: it goes on."""


def packing_of(key: str) -> str | None:
    """By its suffix: gzip, zstd or None."""
    name = key.lower()
    return next((kind for suffix, kind in SUFFIXES.items() if name.endswith(suffix)), None)


def decoders(kind: str) -> Callable[[], Decoder]:
    """What makes one. Raises InvalidArgument for zstd where its library is not installed."""
    if kind == "gzip":
        return GzipDecoder
    try:
        import zstandard
    except ModuleNotFoundError as missing:
        raise InvalidArgument(
            f"reading .zst needs zstandard ({missing}): pip install zstandard"
        ) from None
    return lambda: ZstdDecoder(zstandard)


class GzipDecoder:
    """Of one member."""

    def __init__(self) -> None:
        self._object = zlib.decompressobj(wbits=31)

    def decode(self, packed: bytes) -> Iterator[bytes]:
        """At most a MiB at a time."""
        left = packed
        while not self._object.eof:
            try:
                piece = self._object.decompress(left, _PIECE)
            except zlib.error as error:
                raise NotPacked(str(error)) from error
            left = self._object.unconsumed_tail
            yield piece
            if not left and len(piece) < _PIECE:
                return

    @property
    def rest(self) -> bytes | None:
        """What stands behind the member."""
        return self._object.unused_data if self._object.eof else None


class ZstdDecoder:
    """Of one frame."""

    def __init__(self, zstandard: Any) -> None:
        self._error = zstandard.ZstdError
        self._object = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW).decompressobj()
        self._behind = b""

    def decode(self, packed: bytes) -> Iterator[bytes]:
        """Some 64 MiB at a time at the very most, some KiB else."""
        for at in range(0, len(packed), _ZSTD_STEP):
            try:
                piece = self._object.decompress(packed[at : at + _ZSTD_STEP])
            except self._error as error:
                raise NotPacked(str(error)) from error
            if self._object.eof:
                self._behind = packed[at + _ZSTD_STEP :]
                yield piece
                return
            yield piece

    @property
    def rest(self) -> bytes | None:
        """What stands behind the frame."""
        return self._object.unused_data + self._behind if self._object.eof else None
