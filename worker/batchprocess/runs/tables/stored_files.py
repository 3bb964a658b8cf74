"""Committed files as pyarrow reads them: by ranges, wherever the run is."""

import io
from collections.abc import Mapping
from functools import partial
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
from pyarrow.fs import FileInfo, FileSelector, FileSystemHandler, FileType, PyFileSystem

from batchprocess.protocol.environment import S3Settings
from batchprocess.protocol.errors import VerificationError
from batchprocess.protocol.records import CommittedFile
from batchprocess.runs.patience import ATTENDED, retry_until_known
from batchprocess.storage.inputs.base import InputObject, InputPlace
from batchprocess.storage.inputs.factory import open_inputs


def dataset_of(uri: str, s3: S3Settings, files: list[CommittedFile]) -> ds.Dataset:
    """The rows of Parquet files of the run at `uri`, in the order given.

    The schema is the first one's, to which all others are read.
    """
    root, prefix = (uri.removeprefix("file://"), "")
    if uri.startswith("s3://"):
        bucket, _, below = uri.removeprefix("s3://").partition("/")
        root, prefix = f"s3://{bucket}", f"{below}/" if below else ""
    place, sizes = open_inputs(root, s3), {prefix + one.key: one.size for one in files}
    system, form = PyFileSystem(StoredFiles(place, sizes)), ds.ParquetFileFormat()
    fragments = [form.make_fragment(prefix + one.key, system) for one in files]
    return ds.FileSystemDataset(fragments, fragments[0].physical_schema, form, system)


class StoredFile(io.RawIOBase):
    """One object, for reading."""

    def __init__(self, place: InputPlace, known: InputObject) -> None:
        super().__init__()
        self._place, self._known, self._at = place, known, 0

    def readable(self) -> bool:
        """It is."""
        return True

    def seekable(self) -> bool:
        """It is."""
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        """As files do."""
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._known.size}[whence]
        self._at = max(base + offset, 0)
        return self._at

    def tell(self) -> int:
        """As files do."""
        return self._at

    def read(self, size: int | None = -1) -> bytes:
        """One request."""
        left = max(self._known.size - self._at, 0)
        stop = self._at + (left if size is None or size < 0 else min(size, left))
        read = partial(self._place.read, self._known, self._at, stop)
        found = retry_until_known(read, ATTENDED)
        self._at = stop
        return found


class StoredFiles(FileSystemHandler):  # type: ignore[misc]
    """Exactly the files whose `sizes` are known, in bytes by key: nothing is listed or written."""

    def __init__(self, place: InputPlace, sizes: Mapping[str, int]) -> None:
        self._place, self._sizes = place, sizes

    def open_input_file(self, path: str) -> Any:
        """VerificationError if it is missing, or has another size than was committed."""
        found = retry_until_known(partial(self._place.find, path), ATTENDED)
        if found is None:
            raise VerificationError(f"{path} is missing; see batchprocess verify")
        if found.size != self._sizes[path]:
            raise VerificationError(
                f"{path} has {found.size} bytes, and {self._sizes[path]} were committed; see "
                "batchprocess verify"
            )
        return pa.PythonFile(StoredFile(self._place, found), mode="r")

    def open_input_stream(self, path: str) -> Any:
        """As `open_input_file`."""
        return self.open_input_file(path)

    def get_file_info(self, paths: list[str]) -> list[FileInfo]:
        """Of the files that are known."""
        return [self._info(path) for path in paths]

    def get_file_info_selector(self, selector: FileSelector) -> list[FileInfo]:
        """Of those below a folder."""
        below = f"{selector.base_dir.rstrip('/')}/"
        return [self._info(path) for path in self._sizes if path.startswith(below)]

    def _info(self, path: str) -> FileInfo:
        if path not in self._sizes:
            return FileInfo(path, FileType.NotFound)
        return FileInfo(path, FileType.File, size=self._sizes[path])

    def get_type_name(self) -> str:
        """For people."""
        return "batchprocess"

    def normalize_path(self, path: str) -> str:
        """Keys are what they are."""
        return path

    def _refuse(self, *_: Any, **__: Any) -> Any:
        raise NotImplementedError("the files of a run are only read")

    create_dir = delete_dir = delete_dir_contents = delete_root_dir_contents = _refuse
    delete_file = move = copy_file = open_output_stream = open_append_stream = _refuse
