"""docs/how-to/private-s3.md in pods: a store with an own CA, and keys in a file."""

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import trustme
import yaml

from support.e2e.checks import ROWS
from support.e2e.jobs import PLAIN
from support.e2e.store import Store
from support.e2e.world import World
from support.pages import read_page, section
from support.storage.s3_server import KEY, SECRET, Server, versitygw

pytestmark = [pytest.mark.slow, pytest.mark.timeout(600)]
PAGE = read_page("how-to/private-s3.md")
CA, ROLE, FILE = (
    [yaml.safe_load(one) for one in re.findall(r"```yaml\n(.*?)```", section(PAGE, heading), re.S)]
    for heading in (
        "MinIO, Ceph and others, with an own CA",
        "Without keys: a role for the service account",
        "Keys that are renewed",
    )
)


@pytest.fixture
def private(store: Store, tmp_path: Path) -> Iterator[Server]:
    """A store that only who has its CA's certificate believes."""
    with versitygw(tmp_path, authority=trustme.CA(), address=store.address) as server:
        yield server


def line(beginning: str) -> list[str]:
    """What the page has people type."""
    (found,) = re.findall(rf"^{beginning} (.*)$", PAGE.replace("\\\n", " "), re.MULTILINE)
    return shlex.split(found)


def output_of(server: Server, **settings: Any) -> dict[str, Any]:
    return {"uri": f"s3://{server.bucket}/private", "s3": {**settings, "endpoint": server.endpoint}}


def test_a_store_with_an_own_ca_takes_outputs_and_gives_them_back(
    world: World, private: Server, tmp_path: Path
) -> None:
    place = (f"--namespace={world.namespace}",)
    name, given = line("kubectl create configmap")
    assert given == "--from-file=ca.crt"
    world.kubectl("create", "configmap", name, f"--from-file={private.ca_bundle}", *place)
    output = output_of(private, **CA[0]["spec"]["output"]["s3"])
    world.apply(world.job("ours", shards=4, parallelism=2, output=output, **PLAIN))
    status = world.wait("ours")
    assert status["state"] == "Complete", status
    done = read_here(status["outputURI"], tmp_path, private)
    assert done.returncode == 0, done.stderr
    files = sorted(tmp_path.glob("out/**/*.jsonl"))
    assert sum(len(one.read_text().splitlines()) for one in files) == ROWS


def read_here(uri: str, folder: Path, server: Server) -> "subprocess.CompletedProcess[str]":
    """With the variables of the page."""
    exported = " ".join(re.findall(r"^export (.*)$", PAGE, re.MULTILINE))
    assert set(re.findall(r"\b(AWS_\w+)=", exported)) == {
        *("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_REGION"),
        *("AWS_ENDPOINT_URL", "AWS_CA_BUNDLE"),
    }
    variables = {
        "AWS_ACCESS_KEY_ID": KEY,
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
        "AWS_ENDPOINT_URL": server.endpoint,
        "AWS_CA_BUNDLE": str(server.ca_bundle),
    }
    return subprocess.run(
        [Path(sys.executable).parent / "batchprocess", "results", uri, "--download", "out"],
        cwd=folder,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


def test_keys_in_a_file_and_an_account_of_its_own_do_as_well(world: World) -> None:
    account, named = ROLE
    keys = f"[default]\naws_access_key_id = {KEY}\naws_secret_access_key = {SECRET}\n"
    (mounted,) = FILE
    volume = mounted["spec"]["worker"]["template"]["spec"]["volumes"][0]
    secret = {"apiVersion": "v1", "kind": "Secret", "stringData": {"credentials": keys}}
    meta = {"name": volume["secret"]["secretName"], "namespace": world.namespace}
    account["metadata"]["namespace"] = world.namespace
    world.apply({**secret, "metadata": meta}, account)
    template = world.template(**named["spec"]["worker"]["template"]["spec"])
    pod, (container,) = template["spec"], template["spec"]["containers"]
    wanted = mounted["spec"]["worker"]["template"]["spec"]
    container["env"] = wanted["containers"][0]["env"]
    container.setdefault("volumeMounts", []).extend(wanted["containers"][0]["volumeMounts"])
    pod.setdefault("volumes", []).extend(wanted["volumes"])
    output = output_of(world.store, region="us-east-1", addressing="path")
    world.apply(
        world.job(
            "filed", shards=2, parallelism=2, output=output, worker={"template": template}, **PLAIN
        )
    )
    status = world.wait("filed")
    assert status["state"] == "Complete", status
    for role in ("worker", "finalizer"):
        for one in world.pods("filed", role):
            assert one["spec"]["serviceAccountName"] == account["metadata"]["name"]
