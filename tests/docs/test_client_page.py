"""What docs/client.md has people write is what the client takes."""

import ast
import re

from batchprocess import client
from batchprocess.client.cluster_job import ClusterJob
from batchprocess.client.jobs import Jobs
from batchprocess.client.submitting import manifest
from support.pages import read_page

PAGE = read_page("client.md")


def test_the_job_of_the_example_is_one() -> None:
    (block,) = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
    made = next(one for one in ast.parse(block).body if isinstance(one, ast.Assign))
    assert manifest(ast.literal_eval(made.value), "team", "r")["spec"]["shards"] == 64


def test_every_verb_and_every_error_of_the_page_is_there_and_no_other() -> None:
    (table,) = re.findall(r"\| `Jobs` and `ClusterJob`.*?\n\n", PAGE, re.DOTALL)
    told = set(re.findall(r"`(?:job\.)?(\w+)\(", table))
    public = {name for one in (Jobs, ClusterJob) for name in vars(one) if name.islower()}
    assert told == {name for name in public if not name.startswith("_")} - {
        *("namespace", "connection", "follow", "raise_if_failed")
    }
    errors = {name for name, one in vars(client).items() if isinstance(one, type)}
    errors = {name for name in errors if issubclass(getattr(client, name), client.ClusterError)}
    sentence = PAGE.partition("All are ")[2].partition("What the")[0]
    assert errors == set(re.findall(r"`([A-Z]\w+)`", sentence)) - {"BatchProcessError"}
