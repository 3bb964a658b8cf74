"""The operators of docs/pipelines.md do in their engines what the page says."""

import json
import os
import re
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from batchprocess.api.job import BatchProcessJob
from support.pages import ROOT, read_page, section
from testcluster import ClusterError, Kubectl

pytestmark = pytest.mark.slow
PAGE = read_page("pipelines.md")
AIRFLOW = ROOT / ".cache" / "airflow" / "bin" / "python"
Airflow = Callable[..., "subprocess.CompletedProcess[str]"]
TIME = "2030-01-01T12:00:00Z"
DAG = "\n".join(re.findall(r"```python\n(.*?)```", section(PAGE, "Airflow"), re.DOTALL))
# As the page has it, but for minutes between two tries.
QUICK = DAG.replace("retries=3", "retries=1, retry_delay=timedelta(seconds=1)").replace(
    "from airflow.sdk import dag\n",
    "from datetime import timedelta\n\nfrom airflow.sdk import dag\n",
)


@pytest.fixture(scope="module")
def team(kubectl: Kubectl) -> Kubectl:
    kubectl.apply("{apiVersion: v1, kind: Namespace, metadata: {name: team}}")
    return kubectl


@pytest.fixture
def airflow(team: Kubectl, tmp_path: Path) -> Airflow:
    if not AIRFLOW.exists():
        pytest.skip("Airflow is not installed: make .cache/airflow/done")
    (tmp_path / "nightly.py").write_text(QUICK)
    environ = {
        **os.environ,
        "AIRFLOW_HOME": str(tmp_path),
        "AIRFLOW__CORE__DAGS_FOLDER": str(tmp_path),
        "AIRFLOW__CORE__LOAD_EXAMPLES": "False",
        "KUBECONFIG": str(team.kubeconfig),
    }

    def run(*words: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [AIRFLOW, "-m", "airflow", *words],
            env=environ,
            cwd=tmp_path,
            capture_output=True,
            text=True,
            check=False,
        )

    return run


@pytest.fixture
def ending(team: Kubectl) -> Iterator[list[str]]:
    """Has each job end as Failed at first, and well once it is tried again; what it has seen."""
    seen, stop = list[str](), threading.Event()

    def end() -> None:
        while not stop.wait(0.5):
            for name in team.names("bpj", "team"):
                spec = team.get("bpj", name, "team")["spec"]
                retry = spec.get("retry", 0)
                state = "Complete" if retry else "Failed"
                if f"{name} {retry}" not in seen:
                    seen.append(f"{name} {retry}")
                    team(
                        "patch",
                        "bpj",
                        name,
                        "-nteam",
                        "--subresource=status",
                        "--type=merge",
                        f"--patch={json.dumps({'status': status(state, retry)})}",
                    )

    thread = threading.Thread(target=end)
    thread.start()
    yield seen
    stop.set()
    thread.join()


def status(state: str, retry: int) -> dict[str, Any]:
    fact = {"type": state, "status": "True", "reason": "ShardsFailed", "message": "2 shards"}
    return {
        "state": state,
        "retry": retry,
        "completionTime": TIME,
        "outputURI": "s3://bucket/prefix/digits/r",
        "conditions": [{**fact, "lastTransitionTime": TIME}],
    }


# It and Argo's module are large: `make test-full` fetches both.
@pytest.mark.full
def test_airflow_runs_a_job_and_a_task_that_is_tried_again_goes_on_with_it(
    airflow: Airflow, ending: list[str]
) -> None:
    for words in (("db", "migrate"), ("dags", "reserialize")):
        prepared = airflow(*words)
        assert prepared.returncode == 0, prepared.stderr
    done = airflow("dags", "test", "nightly", "2030-01-01")
    said = done.stdout + done.stderr
    assert done.returncode == 0, said
    assert "digits-20300101t000000 has failed: ShardsFailed: 2 shards" in said
    assert ending == ["digits-20300101t000000 0", "digits-20300101t000000 1"]
    assert "state=success" in said


WORKFLOW: dict[str, Any] = yaml.safe_load(
    re.findall(r"```yaml\n(.*?)```", section(PAGE, "Argo Workflows"), re.DOTALL)[0]
)


def test_the_job_of_the_workflow_is_one() -> None:
    (template,) = WORKFLOW["spec"]["templates"]
    made = yaml.safe_load(template["resource"]["manifest"].replace("{{workflow.name}}", "digits-x"))
    assert BatchProcessJob.model_validate(made).spec.shards == 64


ARGO = "github.com/argoproj/argo-workflows/v3@v3.7.3"
CRD = f"{ARGO}/manifests/base/crds/full/argoproj.io_workflows.yaml"


@pytest.mark.full
def test_the_workflow_is_one_by_argos_own_schema(team: Kubectl) -> None:
    folder = Path(os.environ.get("GOMODCACHE", Path.home() / "go" / "pkg" / "mod"))
    if not (folder / CRD).exists():
        pytest.skip(f"not there: go mod download {ARGO}")
    team("create", f"--filename={folder / CRD}")
    create = ("create", "--namespace=team", "--dry-run=server", "--validate=strict", "--filename=-")
    for _ in range(20):
        try:
            team(*create, stdin=json.dumps(WORKFLOW))
            break
        except ClusterError as error:
            if "no matches for kind" not in str(error):
                raise
            time.sleep(0.5)
    wrong = json.loads(json.dumps(WORKFLOW).replace("failureCondition", "failCondition"))
    with pytest.raises(ClusterError, match="failCondition"):
        team(*create, stdin=json.dumps(wrong))
