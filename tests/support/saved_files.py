"""Files as `context.save` makes them, for tests of their formats."""

from pathlib import Path

from batchprocess.sdk.save.saver import Saver

IDS = {"integers": [7, 8, 9, 10], "texts": ["a", "b", "ü", "d/e"]}


def save_twice(folder: Path, name: str, columns, ids) -> dict[str, Path]:
    """Two batches of two rows under one name, as one interval."""
    saver = Saver(folder)
    for rows in (slice(0, 2), slice(2, 4)):
        saver.save(name, {key: values[rows] for key, values in columns.items()}, ids[rows])
    saved = saver.cut_files()
    files = saved.files.result()
    assert saved.names == files.keys()
    saver.close()
    return files
