"""examples/captions: images and captions in tar files become a table, a row for each whole pair."""

import io
from pathlib import Path

import pandas as pd
import PIL.Image
import pytest

from batchprocess import results
from data.index.formats.test_tar_samples import packed
from support.example_runs import copied, run_and_kill
from support.script_runs import Script
from support.skipping_runs import bad_rows

pytestmark = pytest.mark.slow
PAIRS, CUT, BARE = 80, 13, 62


def image(number: int) -> bytes:
    made = io.BytesIO()
    PIL.Image.new("RGB", (90, 70), (3 * number,) * 3).save(made, "JPEG", quality=95)
    return made.getvalue()[: 300 if number == CUT else None]


def pair(number: int) -> list[tuple[str, bytes]]:
    caption = ["a", "word", "or", "two"][: number % 5]
    found = [(f"pairs/{number:04d}.jpg", image(number))]
    if number != BARE:
        found.append((f"pairs/{number:04d}.txt", " ".join(caption).encode()))
    return found


@pytest.fixture
def job(script: Script) -> Script:
    """The example's folder, with two tar files of pairs: one image is cut, one has no caption."""
    copied(script, "captions")
    (script.folder / "captions").mkdir()
    for number in range(2):
        some = range(PAIRS // 2 * number, PAIRS // 2 * (number + 1))
        members = [member for one in some for member in pair(one)]
        (script.folder / "captions" / f"{number}.tar").write_bytes(packed(members))
    return script


def test_every_whole_pair_is_a_row_once_though_all_was_killed_in_the_middle(job: Script) -> None:
    planned = job.batchprocess("plan", "job.yaml")
    assert planned.returncode == 0, planned.stderr
    assert "rows: 80" in planned.stdout
    folder = str(job.folder / "batchprocess-runs" / "captions")
    assert 0 < run_and_kill(job, "captions:Captions", batch=3, job=folder) < PAIRS
    done = job.batchprocess("run", "job.yaml")
    assert done.returncode == 0, done.stderr
    assert job.batchprocess("verify", "job.yaml").returncode == 0

    run = Path(folder, Path(folder, "latest").read_text().strip())
    assert [(one.id, one.file, one.stage, one.type) for one in bad_rows(run)] == [
        (f"pairs/{CUT:04d}", "captions/0.tar", "reading", "OSError"),
        (f"pairs/{BARE:04d}", "captions/1.tar", "process_batch", "AttributeError"),
    ]
    whole = [number for number in range(PAIRS) if number not in (CUT, BARE)]
    frame = pd.read_parquet(run / "tables" / "captions")
    assert frame["id"].tolist() == [f"pairs/{number:04d}" for number in whole]
    assert frame["words"].tolist() == [min(number % 5, 4) for number in whole]
    wanted = [3 * number / 255 for number in whole]
    assert frame["brightness"].tolist() == pytest.approx(wanted, abs=0.01)
    table = results(folder).table("captions").to_table()
    pd.testing.assert_frame_equal(frame, table.to_pandas())
