"""Documents are put together in memory, or in a file that goes when it is not wanted any more."""

import hashlib
from pathlib import Path

import pytest

from batchprocess.ledger.effects import Staged
from batchprocess.protocol.errors import StorageUnavailable
from batchprocess.runs.staged_documents import IN_MEMORY, StagedDocuments

CHUNKS = [bytes([number]) * (IN_MEMORY // 4) for number in range(7)]


def sha256(body):
    return hashlib.sha256(body).hexdigest()


def test_a_small_document_stays_in_memory(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    with StagedDocuments() as documents:
        assert documents.stage(iter([])) == Staged(b"", 0, sha256(b""))
        assert documents.stage(iter([b"a\n", b"b\n"])) == Staged(b"a\nb\n", 4, sha256(b"a\nb\n"))


def test_a_large_document_is_a_file_until_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    body = b"".join(CHUNKS)
    with StagedDocuments() as documents:
        staged = documents.stage(iter(CHUNKS))
        assert isinstance(staged.source, Path)
        assert staged.source.read_bytes() == body
        assert (staged.size, staged.sha256) == (len(body), sha256(body))
    assert list(tmp_path.iterdir()) == []


def test_no_room_for_a_large_document_is_a_sentence(tmp_path, monkeypatch):
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "none"))
    sentence = "none: No such file or directory; the manifest .* set TMPDIR"
    with StagedDocuments() as documents, pytest.raises(StorageUnavailable, match=sentence):
        documents.stage(iter(CHUNKS))
