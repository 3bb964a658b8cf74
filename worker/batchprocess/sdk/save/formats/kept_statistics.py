"""Statistics of a finished file, from its encoder to its commit: beside it, on the same disk."""

from pathlib import Path

from batchprocess.protocol.tables.statistics import FileStatistics


def keep_statistics(path: Path, told: FileStatistics) -> None:
    """They wait there for the file's commit."""
    _beside(path).write_text(told.model_dump_json(), encoding="utf-8")


def kept_statistics(path: Path) -> FileStatistics | None:
    """Those of a file; None if its format has none."""
    try:
        return FileStatistics.model_validate_json(_beside(path).read_bytes())
    except FileNotFoundError:
        return None


def _beside(path: Path) -> Path:
    return path.with_name(f"{path.name}.statistics")
