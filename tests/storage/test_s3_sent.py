"""What was sent of a file is counted and hashed, however often it was read for that."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from batchprocess.storage.base import Content
from batchprocess.storage.s3_sent import SendingFiles, SentChunk, were_sent

BODY = bytes(range(256)) * 40


def content_of(body: bytes) -> Content:
    return Content(len(body), hashlib.sha256(body).hexdigest())


@pytest.fixture
def source(tmp_path: Path) -> Path:
    path = tmp_path / "source"
    path.write_bytes(BODY)
    return path


Parts = Callable[[int], list[SentChunk]]


@pytest.fixture
def parts_of(source: Path) -> Iterator[Parts]:
    """As s3transfer opens them, of so many bytes each."""
    sending = SendingFiles()

    def open_all(size: int) -> list[SentChunk]:
        for start in range(0, len(BODY), size):
            file = source.open("rb")
            file.seek(start)
            sending.open_file_chunk_reader_from_fileobj(file, size, len(BODY), [])
        return sending.chunks

    yield open_all
    for chunk in sending.chunks:
        chunk.close()


def test_the_last_reading_from_the_start_is_what_was_sent(source: Path) -> None:
    with SentChunk.from_filename(str(source), 0, len(BODY)) as chunk:
        chunk.read()
        chunk.seek(0, 2)
        chunk.seek(0)
        source.write_bytes(BODY[::-1])
        while chunk.read(1000):
            pass
        assert chunk.sent == content_of(BODY[::-1])


def test_a_reading_that_left_something_out_is_nothing_that_was_sent(source: Path) -> None:
    with SentChunk.from_filename(str(source), 0, len(BODY)) as chunk:
        chunk.read(10)
        chunk.seek(20)
        chunk.read()
        assert chunk.sent is None


def test_no_more_is_read_than_there_was(source: Path) -> None:
    with SentChunk.from_filename(str(source), 0, 5) as chunk:
        assert chunk.read() + chunk.read() == BODY[:5]
        assert chunk.sent == content_of(BODY[:5])


@pytest.mark.parametrize("size", [1000, 5000, len(BODY)])
def test_parts_in_any_order_are_compared_with_the_whole(
    source: Path, parts_of: Parts, size: int
) -> None:
    parts = parts_of(size)
    for part in reversed(parts):
        part.read()
    assert were_sent(content_of(BODY), source, reversed(parts))
    assert not were_sent(content_of(BODY[:-1]), source, parts)


def test_a_part_that_was_another_when_it_was_sent_is_found(source: Path, parts_of: Parts) -> None:
    parts = parts_of(3000)
    source.write_bytes(BODY[::-1])
    parts[1].read()
    source.write_bytes(BODY)
    for part in (parts[0], *parts[2:]):
        part.read()
    assert not were_sent(content_of(BODY), source, parts)


def test_what_is_appended_behind_the_parts_was_not_sent_and_does_no_harm(
    source: Path, parts_of: Parts
) -> None:
    parts = parts_of(3000)
    for part in parts:
        part.read()
    source.write_bytes(BODY + b"more")
    assert were_sent(content_of(BODY), source, parts)


def test_a_file_that_was_cut_since_its_parts_were_sent_proves_nothing(
    source: Path, parts_of: Parts
) -> None:
    parts = parts_of(3000)
    for part in parts:
        part.read()
    source.write_bytes(BODY[:-1])
    assert not were_sent(content_of(BODY), source, parts)
