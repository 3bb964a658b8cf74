"""A listing on disk is read as it was written, and cut into parts at the ends of lines."""

import hashlib
import json
from pathlib import Path

import pytest

from batchprocess.data.listing import object_list
from batchprocess.data.listing.object_list import OBJECTS, finish, read_part, write_objects
from batchprocess.storage.inputs.base import InputObject

FOUND = [(n % 2, InputObject(f"ü\n{n}", n * 10, f'"{n}"')) for n in range(100)]


@pytest.mark.parametrize("most", [1 << 20, 0], ids=["in memory", "mapped"])
def test_objects_come_back_by_number_and_in_order(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, most: int
) -> None:
    monkeypatch.setattr(object_list, "_MAX_IN_MEMORY", most)
    listing = write_objects(tmp_path, ("r", "s"), FOUND)
    objects = finish(tmp_path, listing)
    expected = [("rs"[root], one) for root, one in FOUND]
    assert [objects[number] for number in range(len(objects))] == list(objects) == expected
    assert (objects.about, listing.objects, listing.bytes) == (listing, 100, 49_500)


def test_parts_are_the_file_cut_at_the_ends_of_lines(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(object_list, "MAX_PART_BYTES", 500)
    listing = write_objects(tmp_path, ("r", "s"), FOUND)
    parts = [read_part(tmp_path, listing, number) for number in range(len(listing.parts))]
    assert b"".join(parts) == (tmp_path / OBJECTS).read_bytes()
    for known, body in zip(listing.parts, parts, strict=True):
        assert len(body) == known.size <= 500
        assert len(body.splitlines()) == known.objects
        assert hashlib.sha256(body).hexdigest() == known.sha256


def test_the_fingerprint_is_of_roots_numbers_keys_sizes_and_etags(tmp_path: Path) -> None:
    lines = "".join(json.dumps([root, one.key, one.size, one.etag]) for root, one in FOUND)
    listing = write_objects(tmp_path, ("r", "s"), FOUND)
    assert listing.fingerprint == hashlib.sha256(lines.encode()).hexdigest()
    assert write_objects(tmp_path, ("elsewhere", "s"), FOUND).fingerprint == listing.fingerprint
    assert write_objects(tmp_path, ("r", "s"), FOUND[1:]).fingerprint != listing.fingerprint
