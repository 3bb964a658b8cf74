"""Jobs in a table, or as objects."""

from batchprocess.client.errors import NotFound
from cli.cluster.conftest import Cluster
from support.client.fake_server import ended, stored
from support.commands import Command

SHOWN = {
    "progress": "7/10",
    "shards": "1/2",
    "rate": "1.2k/s",
    "eta": "12m",
    "reason": "OOM\x1b[2J",
}
PAGE = {"items": [stored(), stored({"state": "Running", "display": SHOWN})], "metadata": {}}


def test_a_table_has_what_kubectl_shows_and_nothing_that_a_terminal_obeys(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    fake_cluster_of(PAGE)
    said = batchprocess("get")
    assert [line.split() for line in said.out.splitlines()] == [
        ["NAME", "STATE", "PROGRESS", "SHARDS", "RATE", "ETA", "AGE", "REASON"],
        ["digits", "Pending"],
        ["digits", "Running", "7/10", "1/2", "1.2k/s", "12m", "OOM", "[2J"],
    ]


def test_an_empty_namespace_is_named(batchprocess: Command, fake_cluster_of: Cluster) -> None:
    fake_cluster_of({"items": [], "metadata": {}})
    assert batchprocess("get", "-n", "team").out == "no jobs in namespace team\n"


def test_one_that_cannot_be_read_hides_no_other(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    fake_cluster_of({"items": [stored({"state": "New"}), stored()], "metadata": {}})
    lines = batchprocess("get").out.splitlines()
    assert lines[1].split() == ["digits", "?", "Unreadable"]
    assert lines[2].split() == ["digits", "Pending"]


def test_objects_are_printed_as_they_are_but_for_what_only_the_server_wants(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    raw = stored(ended("Complete"))
    raw["metadata"]["managedFields"] = [{}]
    raw["metadata"]["annotations"] = {"note": "\x1b[2J\x9b"}
    fake_cluster_of(raw, raw, raw, PAGE, PAGE)
    as_json = batchprocess("get", "digits", "-o", "json")
    assert as_json.json["metadata"]["annotations"] == {"note": "\x1b[2J\x9b"}
    assert "managedFields" not in as_json.out
    as_yaml = batchprocess("get", "digits", "-o", "yaml").out
    assert "kind: BatchProcessJob" in as_yaml
    assert not {"\x1b", "\x9b"} & set(as_yaml + as_json.out)
    named = batchprocess("get", "digits", "-o", "name").out
    assert named == "batchprocessjob.batchprocess.dev/digits\n"
    assert len(batchprocess("get", "-o", "json").json["items"]) == 2
    assert batchprocess("get", "-o", "yaml").out.count("---\n") == 2


def test_a_job_that_is_not_there_is_a_sentence(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    fake_cluster_of(NotFound('batchprocessjobs.batchprocess.dev "digits" not found'))
    said = batchprocess("get", "digits")
    assert (said.code, said.out) == (1, "")
    assert said.err == 'error: batchprocessjobs.batchprocess.dev "digits" not found\n'


def test_names_and_labels_are_not_both_given(
    batchprocess: Command, fake_cluster_of: Cluster
) -> None:
    assert batchprocess("get", "digits", "-l", "a=b").code == 91
