"""The worked example of each page on rows and tables does what the page says, copied from there."""

import json
import re
from pathlib import Path

import pytest

from support.script_runs import Script, script

pytestmark = pytest.mark.slow
PAGES = Path(__file__).parents[2] / "docs"
__all__ = ["script"]


def write_files(script: Script, page: str) -> None:
    """Each file that the page names just before what is in it; JSON and CSV end in a line feed."""
    found = re.findall(r"`([\w/.-]+)`[^`]*:\n\n```(?!console)\w+\n(.*?)```", page, flags=re.DOTALL)
    for name, text in found:
        (script.folder / name).parent.mkdir(exist_ok=True)
        script.write(name, text)


def run_commands(script: Script, page: str) -> str:
    """Run the first commands of the page, those of its example; what the last has said."""
    said = ""
    for line in re.findall(r"```console\n(.*?)```", page, flags=re.DOTALL)[0].splitlines():
        command = line.partition("#")[0].split()
        assert command[0] == "batchprocess"
        done = script.batchprocess(*command[1:])
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        said = done.stdout
    return said


def shown(page: str) -> str:
    """The first block without a language: what a person reads."""
    return str(re.findall(r"\n\n```\n(.*?)```", page, flags=re.DOTALL)[0])


def test_files_become_the_table_that_is_shown(script: Script) -> None:
    page = (PAGES / "data.md").read_text()
    write_files(script, page)
    run_commands(script, page)
    assert (script.folder / "lengths.csv").read_text() == shown(page)


def test_bad_rows_are_named_as_is_shown_and_the_others_saved(script: Script) -> None:
    page = (PAGES / "bad-rows.md").read_text()
    write_files(script, page)
    assert run_commands(script, page) == shown(page)
    done = script.batchprocess("results", "job.yaml", "--table", "tax", "-o", "tax.csv")
    assert done.returncode == 0, done.stderr
    assert (script.folder / "tax.csv").read_text() == '"id","tax"\n"ann",2.5\n'


def test_rows_that_were_mended_in_a_new_file_are_processed_alone(script: Script) -> None:
    page = (PAGES / "bad-rows.md").read_text()
    write_files(script, page)
    run_commands(script, page)
    run = json.loads(script.batchprocess("status", "job.yaml", "--json").stdout)["runId"]
    assert "`sales/jan-mended.csv`" in page
    script.write("sales/jan-mended.csv", "customer,amount\nben,1\ncem,2\n")
    done = script.batchprocess("run", "job.yaml", "--new-since", run)
    assert done.returncode == 0, done.stderr
    script.batchprocess("results", "job.yaml", "--table", "tax", "-o", "tax.csv")
    assert (script.folder / "tax.csv").read_text() == '"id","tax"\n"ben",0.2\n"cem",0.4\n'


def test_what_is_saved_is_read_in_order(script: Script) -> None:
    page = (PAGES / "saving.md").read_text()
    (script.folder / "texts").mkdir()
    for name in "ab":
        texts = "".join(json.dumps({"text": f"{name} " * n}) + "\n" for n in range(1, 101))
        script.write(f"texts/{name}.jsonl", texts)
    write_files(script, page)
    assert run_commands(script, page).endswith(" 0 problems\n")
    read = (script.folder / "read.py").read_text()
    script.write("read.py", f"{read}print(list(frame), frame['words'].tolist())\n")
    done = script.python("read.py")
    assert done.returncode == 0, done.stderr
    columns = ["id", "row", "embedding", "words"]
    assert done.stdout.endswith(f"{columns} {[*range(1, 101), *range(1, 101)]}\n")
