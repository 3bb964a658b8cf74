"""`context.save`: rows come back with their ids, from every format; nothing is lost or mixed up."""

import errno
import json
import threading
from pathlib import Path

import numpy as np
import pytest
import torch

from batchprocess.sdk.save.formats.json_lines import JsonLines
from batchprocess.sdk.save.saver import Saver


def test_what_is_changed_after_the_call_is_not_changed_in_the_file(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    tensor, array, texts = torch.zeros(2), np.zeros(2), ["a", "b"]
    saver.save("rows.jsonl", {"t": tensor, "a": array, "x": texts}, [0, 1])
    tensor.fill_(9)
    array.fill(9)
    texts[:] = ["-", "-"]
    lines = saver.cut_files().files.result()["rows.jsonl"].read_text().splitlines()
    assert lines == [
        '{"id": 0, "t": 0.0, "a": 0.0, "x": "a"}',
        '{"id": 1, "t": 0.0, "a": 0.0, "x": "b"}',
    ]


def test_nor_is_what_is_changed_inside_a_list(tmp_path: Path) -> None:
    saver, go = Saver(tmp_path), threading.Event()
    saver._encoder._pool.submit(go.wait)
    array, tensor, boxes, found = np.zeros(2), torch.zeros(2), [[0.0], [1.0]], {"score": [0.5]}
    columns = {"a": list(array[None]), "t": [tensor], "b": [boxes], "f": [found], "p": [(boxes,)]}
    saver.save("rows.jsonl", columns, [0])
    array.fill(9)
    tensor.fill_(9)
    boxes[0][0] = found["score"][0] = 9.0
    go.set()
    text = saver.cut_files().files.result()["rows.jsonl"].read_text()
    assert json.loads(text) == {
        "id": 0,
        "a": [0.0, 0.0],
        "t": [0.0, 0.0],
        "b": [[0.0], [1.0]],
        "f": {"score": [0.5]},
        "p": [[[0.0], [1.0]]],
    }


def test_lists_take_room_for_what_their_items_hold(tmp_path: Path) -> None:
    go = threading.Event()
    saver = Saver(tmp_path, max_bytes=1 << 20)
    saver._encoder._pool.submit(go.wait)
    masks = list(np.zeros((4, 200_000), dtype=np.uint8))
    saver.save("rows.parquet", {"mask": masks}, [0, 1, 2, 3])
    timer = threading.Timer(0.2, go.set)
    timer.start()
    saver.save("rows.parquet", {"mask": masks}, [4, 5, 6, 7])
    assert go.is_set()
    assert saver.waited > 0
    timer.join()
    saver.close()


def test_an_interval_has_its_own_files_and_an_empty_one_has_none(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    assert saver.cut_files() is None
    saver.save("rows.npy", {"rows": torch.zeros(1)}, [0])
    first = saver.cut_files().files.result()["rows.npy"]
    saver.save("rows.npy", {"rows": torch.ones(1, 2)}, [1])
    assert np.load(first).tolist() == [0.0]
    assert np.load(saver.cut_files().files.result()["rows.npy"]).tolist() == [[1.0, 1.0]]


def test_a_failure_to_encode_is_raised_by_the_commit_and_by_the_next_call(
    tmp_path: Path, monkeypatch
) -> None:
    def no_room(*_rows: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(JsonLines, "add", no_room)
    saver = Saver(tmp_path)
    saver.save("rows.jsonl", {"a": [1]}, [0])
    failed = saver.cut_files()
    with pytest.raises(OSError, match="No space left"):
        failed.files.result()
    with pytest.raises(OSError, match="No space left"):
        saver.save("rows.jsonl", {"a": [1]}, [1])


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_a_value_that_no_file_holds_is_refused_in_the_call_and_nothing_is_lost(
    tmp_path: Path, suffix
) -> None:
    saver, name = Saver(tmp_path), f"rows.{suffix}"
    saver.save(name, {"a": [1]}, [0])
    with pytest.raises(TypeError, match=rf"'{name}': column 'a' has <object object"):
        saver.save(name, {"a": [object()]}, [1])
    saver.save(name, {"a": [2]}, [1])
    assert saver.cut_files().files.result()[name].stat().st_size > 0


class Slow:
    """A tensor that comes back from a device when it is let."""

    def __init__(self, tensor: torch.Tensor, go: threading.Event) -> None:
        self.tensor, self.go = tensor, go

    def wait(self) -> torch.Tensor:
        self.go.wait()
        return self.tensor


def test_a_full_room_makes_save_wait_and_loses_nothing(tmp_path: Path, monkeypatch) -> None:
    go = threading.Event()
    saver = Saver(tmp_path, max_bytes=100)
    slow = lambda tensor, _: Slow(tensor.clone(), go)  # noqa: E731
    monkeypatch.setattr("batchprocess.sdk.save.snapshots._of_tensor", slow)
    saver.save("rows.npy", {"a": torch.zeros(1, 30)}, [0])
    timer = threading.Timer(0.2, go.set)
    timer.start()
    saver.save("rows.npy", {"a": torch.ones(1, 30)}, [1])
    assert go.is_set()
    assert saver.waited > 0
    files = saver.cut_files().files.result()
    assert np.load(files["rows.npy"])[:, 0].tolist() == [0.0, 1.0]
    timer.join()


def test_without_device_memory_for_a_snapshot_the_copy_is_made_at_once(tmp_path: Path) -> None:
    def no_room(tensor: torch.Tensor) -> Slow:
        raise torch.OutOfMemoryError

    saver = Saver(tmp_path, fetch=no_room)
    meta = torch.empty(1, device="meta")
    with pytest.raises(NotImplementedError, match="meta"):
        saver.save("rows.npy", {"a": meta}, [0])
    saver.save("rows.npy", {"a": torch.ones(1)}, [0])
    assert saver.cut_files() is not None


def test_what_is_held_can_be_dropped_as_if_it_had_not_been_saved(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    saver.hold()
    before = saver.mark()
    saver.save("x.jsonl", {"x": [0]}, [0])
    assert saver.drop_to(before)
    assert (saver.calls, saver.cut_files()) == (0, None)
    saver.save("x.jsonl", {"x": [1]}, [1])
    row = saver.mark()
    saver.save("x.jsonl", {"x": [2]}, [2])
    saver.save("new.npy", {"a": torch.ones(1)}, [2])
    assert saver.drop_to(row)
    saver.save("x.jsonl", {"x": [3]}, [3])
    saver.release()
    saver.save("x.jsonl", {"x": [4]}, [4])
    saved = saver.cut_files()
    assert saved.names == {"x.jsonl"}
    lines = saved.files.result()["x.jsonl"].read_text().splitlines()
    assert [json.loads(line)["x"] for line in lines] == [1, 3, 4]


def test_types_of_what_was_dropped_bind_nobody(tmp_path: Path) -> None:
    saver = Saver(tmp_path)
    saver.save("x.npy", {"a": torch.ones(1, 2)}, [0])
    saver.hold()
    before = saver.mark()
    saver.save("y.npy", {"a": torch.ones(1, 3)}, [1])
    assert saver.drop_to(before)
    saver.save("y.npy", {"a": torch.ones(1, 4, dtype=torch.int32)}, [1])
    saver.release()
    files = saver.cut_files().files.result()
    assert np.load(files["y.npy"]).shape == (1, 4)


def test_what_is_held_is_bounded_and_what_is_more_can_not_be_dropped(tmp_path: Path) -> None:
    saver = Saver(tmp_path, max_bytes=100)
    saver.hold()
    before = saver.mark()
    for row in range(5):
        saver.save("x.npy", {"a": torch.full((1, 10), float(row))}, [row])
    assert not saver.drop_to(before)
    saver.release()
    files = saver.cut_files().files.result()
    assert np.load(files["x.npy"])[:, 0].tolist() == [0, 1, 2, 3, 4]
    saver.hold()
    assert saver.drop_to(saver.mark())


def test_bytes_of_what_was_dropped_are_free_again(tmp_path: Path) -> None:
    saver = Saver(tmp_path, max_bytes=100)
    saver.hold()
    before = saver.mark()
    for _ in range(5):
        saver.save("x.npy", {"a": torch.ones(1, 20)}, [0])
        assert saver.drop_to(before)
    assert saver.waited == 0


def test_what_another_thread_saves_is_never_dropped(tmp_path: Path) -> None:
    """It may be of a batch that is done."""
    saver = Saver(tmp_path)
    saver.hold()
    before = saver.mark()
    thread = threading.Thread(target=saver.save, args=("x.npy", {"a": torch.ones(1)}, [0]))
    thread.start()
    thread.join()
    saver.save("x.npy", {"a": torch.ones(1)}, [1])
    assert not saver.drop_to(before)
    assert saver.calls == before.calls + 2
    saver.release()
    files = saver.cut_files().files.result()
    assert np.load(files["x.ids.npy"]).tolist() == [0, 1]
