"""Members and frames are unpacked whole, by bounded pieces, and their ends are found."""

import gzip
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from batchprocess.data.index.packing.decoders import NotPacked, decoders, packing_of

zstandard = pytest.importorskip("zstandard")
PACK: dict[str, Callable[[bytes], bytes]] = {
    "gzip": gzip.compress,
    "zstd": zstandard.ZstdCompressor().compress,
}
KINDS = pytest.mark.parametrize("kind", ["gzip", "zstd"])


@KINDS
@given(st.binary(max_size=300), st.binary(max_size=9), st.integers(1, 40))
def test_what_was_packed_comes_back_and_what_stands_behind_it(
    kind: str, content: bytes, behind: bytes, step: int
) -> None:
    packed, decoder, found = PACK[kind](content) + behind, decoders(kind)(), b""
    for at in range(0, len(packed), step):
        found += b"".join(decoder.decode(packed[at : at + step]))
        rest = decoder.rest
        if rest is not None:
            assert rest + packed[at + step :] == behind
            break
    else:
        raise AssertionError("has no end")
    assert found == content


@pytest.mark.slow
@KINDS
def test_what_becomes_very_large_comes_in_pieces(kind: str) -> None:
    packed = PACK[kind](bytes(300 << 20))
    size, most = 0, 0
    for piece in decoders(kind)().decode(packed):
        size, most = size + len(piece), max(most, len(piece))
    assert size == 300 << 20
    assert most <= 65 << 20


@KINDS
def test_other_bytes_are_told(kind: str) -> None:
    with pytest.raises(NotPacked):
        list(decoders(kind)().decode(b"no such thing, and longer than any header is"))


@pytest.mark.parametrize(
    ("key", "kind"),
    [
        ("a.jsonl.gz", "gzip"),
        ("A.GZ", "gzip"),
        ("A.BGZ", "gzip"),
        ("a.zst", "zstd"),
        ("a.txt", None),
    ],
)
def test_the_suffix_says_it(key: str, kind: str | None) -> None:
    assert packing_of(key) == kind


def windowed(log: int) -> bytes:
    """A frame that wants 2 ** log bytes of memory."""
    parameters = zstandard.ZstdCompressionParameters(window_log=log)
    packer = zstandard.ZstdCompressor(compression_params=parameters).compressobj()
    return bytes(packer.compress(b"x" * 1000) + packer.flush())


def test_a_frame_that_wants_more_memory_than_zstd_itself_gives_is_refused() -> None:
    assert b"".join(decoders("zstd")().decode(windowed(27))) == b"x" * 1000
    with pytest.raises(NotPacked, match="memory"):
        list(decoders("zstd")().decode(windowed(28)))
