"""What docs/kubernetes.md has people type or write does what it says, on a real API server."""

import json
import re
import shlex
from concurrent.futures import ThreadPoolExecutor

import pytest
import yaml

from batchprocess.api.job import Spec
from batchprocess.api.scalars import MUTABLE
from support.job_cases import job, spec
from support.kube.job_server import JobServer
from support.pages import read_page, section
from testcluster import ClusterError, Kubectl

pytestmark = pytest.mark.slow

PAGE = read_page("kubernetes.md")
WAITS = [shlex.split(line)[1:] for line in re.findall(r"^kubectl wait .*", PAGE, re.MULTILINE)]
ENDS = {"Complete": "Failed", "Failed": "Complete"}
TIME = "2030-01-01T12:00:00Z"


def condition(kind: str, status: str) -> dict[str, str]:
    return {
        "type": kind,
        "status": status,
        "lastTransitionTime": TIME,
        "reason": "Finished",
        "message": "",
    }


def end(server: JobServer, state: str) -> None:
    conditions = [condition(state, "True"), condition(ENDS[state], "False")]
    told = {"state": state, "completionTime": TIME, "conditions": conditions}
    # kubectl believes no condition of a spec that nobody has looked at.
    server.patch_status({**told, "observedGeneration": server.get()["metadata"]["generation"]})


@pytest.mark.parametrize("state", ENDS)
def test_the_wait_ends_on_success_and_on_failure_alike_and_tells_which(
    state: str, server: JobServer, kubectl: Kubectl
) -> None:
    both, tells = WAITS
    server.create(spec())
    server.patch_status({"state": "Running"})
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(kubectl, *both)
        end(server, state)
        assert "condition met" in waiting.result()
    if state == "Complete":
        assert "condition met" in kubectl(*tells)
    else:
        with pytest.raises(ClusterError, match="condition not met"):
            kubectl(*tells)


def test_the_wait_for_a_retry_begins_once_the_end_of_before_is_gone(
    server: JobServer, kubectl: Kubectl
) -> None:
    (line,) = re.findall(r"`(kubectl wait .*status\.retry.*)`", PAGE)
    server.create(spec())
    end(server, "Failed")
    server.patch([{"op": "replace", "path": "/spec/retry", "value": 1}])
    with ThreadPoolExecutor() as pool:
        waiting = pool.submit(kubectl, *shlex.split(line)[1:])
        server.patch_status({"state": "Pending", "retry": 1, "completionTime": None})
        assert "condition met" in waiting.result()


CHANGED = {"parallelism": 16, "suspend": True, "retry": 1}
BY_HAND = [
    *re.findall(r"^(kubectl scale .*?) +#", PAGE, re.MULTILINE),
    *re.findall(r"^(kubectl patch bpj .*)", PAGE, re.MULTILINE),
]


@pytest.mark.parametrize(
    "options", [[], ["--server-side", "--force-conflicts"]], ids=["client-side", "server-side"]
)
def test_what_a_file_has_never_said_stays_as_people_changed_it(
    options: list[str], server: JobServer, kubectl: Kubectl
) -> None:
    file = json.dumps(job(spec(shards=64)))
    kubectl("apply", *options, "--filename=-", stdin=file)
    for line in BY_HAND:
        kubectl(*shlex.split(line)[1:])
    kubectl("apply", *options, "--filename=-", stdin=file)
    stored = server.get()["spec"]
    assert {name: stored[name] for name in CHANGED} == CHANGED


def test_what_a_file_says_is_taken_back_by_the_next_sync(
    server: JobServer, kubectl: Kubectl
) -> None:
    file = json.dumps(job(spec(parallelism=2)))
    kubectl("apply", "--filename=-", stdin=file)
    kubectl("scale", "bpj", "digits", "--replicas=16")
    kubectl("apply", "--filename=-", stdin=file)
    assert server.get()["spec"]["parallelism"] == 2


def test_a_sync_is_told_to_leave_alone_all_that_people_change_by_hand() -> None:
    (block,) = re.findall(
        r"```yaml\n(.*?)```", section(read_page("gitops.md"), "What to leave out of Git"), re.DOTALL
    )
    (rule,) = yaml.safe_load(block)["spec"]["ignoreDifferences"]
    assert (rule["group"], rule["kind"]) == ("batchprocess.dev", "BatchProcessJob")
    assert rule["jsonPointers"] == [f"/spec/{name}" for name in CHANGED]
    assert all(Spec.model_fields[name].json_schema_extra == MUTABLE for name in CHANGED)
