"""`batchprocess results`."""

from pathlib import Path

from batchprocess.cli.main import print_json
from batchprocess.cli.target import find_target
from batchprocess.ledger.results import Result, results_of


def show_results(target: str, *, download: Path | None, as_json: bool) -> None:
    """List committed files in dataset order; copy them if asked."""
    found = find_target(target)
    listed = []
    for result in results_of(found.storage):
        if download is not None:
            save(result, download)
        if as_json:
            listed.append(_row(result))
        else:
            rows = f"rows {result.rows[0]}-{result.rows[1] - 1}"
            print(f"{result.shard:>5} {rows:<24} {result.file.size:>12} {result.file.key}")
    if as_json:
        print_json({"uri": found.storage.uri, "files": listed})


def save(result: Result, folder: Path) -> Path:
    """Copy one file to `<folder>/<shard>/<seq>/<name>`, whole or not at all.

    Names were checked when they were committed, so none can leave the folder.
    """
    seq = result.file.key.split("/")[2].partition("-")[0]
    path = folder / f"{result.shard:05d}" / seq / result.file.name
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(path.name + ".partial")
    with partial.open("wb") as file:
        for chunk in result.chunks():
            file.write(chunk)
    partial.replace(path)
    return path


def _row(result: Result) -> dict[str, object]:
    return {
        "shard": result.shard,
        "batches": result.batches,
        "rows": result.rows,
        **result.file.model_dump(),
    }
