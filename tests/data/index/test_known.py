"""Objects are made ready when they are asked for, and stand one behind the other."""

from pathlib import Path

from batchprocess.data.index.known import Known
from batchprocess.data.listing.object_list import finish, write_objects
from batchprocess.protocol.environment import S3Settings
from batchprocess.runs.patience import ATTENDED
from batchprocess.storage.inputs.base import InputObject


def test_each_is_read_at_its_own_place(tmp_path: Path) -> None:
    sizes = {"a": 3, "b": 0, "c": 5}
    objects = []
    for name, size in sizes.items():
        (tmp_path / name).write_bytes(name.encode() * size)
        objects.append((0, InputObject(name, size)))
    listed = finish(tmp_path, write_objects(tmp_path, (str(tmp_path),), objects))
    known = Known(listed, S3Settings(), ATTENDED)
    assert [one.read(0, one.object.size) for one in known] == [b"aaa", b"", b"ccccc"]
    assert [one.name for one in known[1:]] == [f"{tmp_path}/b", f"{tmp_path}/c"]
    assert known.offsets().tolist() == [0, 3, 3, 8]
    read: list[int] = []
    assert known.told(0, read.append).read(0, 2) == b"aa"
    assert read == [2]
