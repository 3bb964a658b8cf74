"""Which names `save` takes in a run where each is a table, with a folder of its own."""

import contextlib
from collections.abc import Iterable, Iterator

from batchprocess.protocol.file_names import TABLES, check_table_name, stem_of
from batchprocess.sdk.save.formats.writers import files_of


class TableNames:
    """Those of one attempt, over all its commits: a folder has files of one format.

    `in_use`: False in a run from before there were tables, which takes any name of a file.
    """

    def __init__(self) -> None:
        self.in_use = True
        self._files: dict[str, str] = {}
        self._begun: set[str] = set()

    def check(self, name: str) -> None:
        """Raise ValueError if no table can be called so, or another format has its folder."""
        if not self.in_use or name in self._begun:
            return
        check_table_name(name)
        for file in files_of(name):
            if (other := self._files.get(stem_of(file), file)) != file:
                raise ValueError(
                    f"{name!r}: the folder {TABLES}{stem_of(file)} has files of {other!r}, and "
                    "readers of tables want one format: save one of the two under another name"
                )

    @contextlib.contextmanager
    def begun(self, name: str) -> Iterator[None]:
        """The block says that there will be files of this name, unless it raises.

        Raises what `check` raises: another thread may have begun a table since.
        """
        self.check(name)
        yield
        if name not in self._begun:
            self.add(files_of(name))
            self._begun.add(name)

    def add(self, files: Iterable[str]) -> None:
        """These have their folders from now on."""
        self._files.update({stem_of(file): file for file in files})
