"""docs/protocol.md says of objects, defaults and the endpoint what the operator does."""

import copy
import json
import re
from collections.abc import Iterator
from functools import reduce
from typing import Any, get_args

import pytest
import yaml
from pydantic import BaseModel

from batchprocess.api.job import Spec
from batchprocess.api.scalars import MUTABLE
from batchprocess.kube import names as shared_names
from batchprocess.protocol.job_object import GROUP, KIND, PLURAL, VERSION
from batchprocess_operator.endpoint import limits
from batchprocess_operator.endpoint.tokens import LEEWAY_SECONDS
from batchprocess_operator.manifests.jobs import finalizer_job, worker_job
from batchprocess_operator.manifests.pod_failure_policy import finalizer_policy, worker_policy
from batchprocess_operator.model import names
from support.operator.objects import job, job_object
from support.pages import ROOT, columns, default_of, read_page, section, table

PAGE = read_page("protocol.md")
IN_A_MODULE = {"processor": "a:b", "dataset": "a:b", "command": []}
OF_FILES = {"processor": "a:b", "command": [], "input": {"uri": "a.txt"}}
CHANGED: dict[str, tuple[dict[str, Any], Any]] = {
    # Of every field: what else the spec has, and a value that is not the default.
    "spec.image": ({}, "digits:2"),
    "spec.source.configMap": ({}, "code"),
    "spec.source.onChange": ({"source": {"configMap": "code"}}, "fail"),
    "spec.command": ({}, ["python", "other.py"]),
    "spec.processor": (IN_A_MODULE, "a:c"),
    "spec.dataset": (IN_A_MODULE, "a:c"),
    "spec.input.uri": (OF_FILES, "b.txt"),
    "spec.input.format": (OF_FILES, "files"),
    "spec.input.columns": (OF_FILES, ["a"]),
    "spec.input.id": (OF_FILES, "a"),
    "spec.input.newSince": (OF_FILES, "a-run"),
    "spec.rows.badRowsOf": ({}, "a-run"),
    "spec.rows.skip": ({}, [3, 7]),
    "spec.runId": ({}, "again"),
    "spec.hparams": ({}, {"a": 1}),
    "spec.worker.processesPerWorker": ({}, 2),
    "spec.worker.python": ({}, "python3"),
    "spec.worker.template": ({}, {"metadata": {"labels": {"a": "b"}}}),
    "spec.finalizer.resources": ({}, {"limits": {"cpu": 1}}),
    "spec.finalizer.nodeSelector": ({}, {"a": "b"}),
    "spec.finalizer.tolerations": ({}, [{"operator": "Exists"}]),
    "spec.finalizer.template": ({}, {"spec": {"priority": 1}}),
    "spec.output.uri": ({}, "s3://bucket/other"),
    "spec.output.s3.endpoint": ({}, "https://s3.example"),
    "spec.output.s3.region": ({}, "there"),
    "spec.output.s3.addressing": ({}, "path"),
    "spec.output.s3.checksums": ({}, "always"),
    "spec.output.s3.credentialsSecret": ({}, "keys"),
    "spec.output.s3.caBundleConfigMap": ({}, "ca"),
    "spec.failurePolicy.onBatchError": ({}, "fail"),
    "spec.failurePolicy.onBadRow": ({}, "skip"),
    "spec.failurePolicy.maxBadRows": ({"failurePolicy": {"onBadRow": "skip"}}, "2%"),
    "spec.queueName": ({}, "queue"),
    "spec.elastic": ({"queueName": "queue"}, True),
    "spec.notify.to": ({}, "team"),
    "spec.notify.events": ({"notify": {"to": "team"}}, ["Failed"]),
    "spec.notify.everyPercent": ({"notify": {"to": "team"}}, 10),
    "spec.dataloader.pinMemory": ({}, True),
    "spec.dataloader.persistentWorkers": ({}, True),
    "spec.suspend": ({}, True),
    "spec.output.delta": ({}, False),
    "spec.profile": ({}, True),
    "spec.compileCache": ({}, False),
}
POLICIES = (
    ("worker", worker_policy(fail_on_user_code=False)),
    ("worker", worker_policy(fail_on_user_code=True)),
    ("finalizer", finalizer_policy()),
)


def leaves(model: type[BaseModel], path: str) -> Iterator[tuple[str, str, bool]]:
    """Path, default and mutability of every field that is no object of fields."""
    for name, field in model.model_fields.items():
        here = f"{path}.{field.alias or name}"
        kinds = (field.annotation, *get_args(field.annotation))
        inner = [one for one in kinds if isinstance(one, type) and issubclass(one, BaseModel)]
        if inner:
            yield from leaves(inner[0], here)
        else:
            yield here, default_of(field), field.json_schema_extra == MUTABLE


def changed(path: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """A spec, and the same with another value at `path`."""
    base, value = CHANGED.get(path, ({}, 7))
    before, after = (copy.deepcopy(job_object(**base)["spec"]) for _ in range(2))
    *parents, last = path.split(".")[1:]
    reduce(lambda part, name: part.setdefault(name, {}), parents, after)[last] = value
    return before, after


def told(spec: dict[str, Any]) -> dict[str, Any]:
    """The environment of a worker's container, by name."""
    made = job(**spec)
    pod = worker_job(made.body, made.identity, None)["spec"]["template"]["spec"]
    return {entry["name"]: entry for entry in pod["containers"][0]["env"]}


def test_every_field_of_a_job_has_its_row_with_its_default():
    rows = columns(table(PAGE, "Defaults"), 0, 1)
    assert rows == [(path, default) for path, default, _ in leaves(Spec, "spec")]


@pytest.mark.parametrize("row", table(PAGE, "Defaults"), ids=lambda row: row[0])
def test_a_field_changes_the_variables_that_its_row_names(row):
    before, after = (told(spec) for spec in changed(row[0]))
    names = {name for name in before | after if before.get(name) != after.get(name)}
    assert names == set(re.findall(r"[A-Z][A-Z0-9_]+", row[2]))


def test_the_fields_that_may_change_are_those_that_are_marked():
    text = section(PAGE, "Defaults").rpartition("May change on an existing job:")[2]
    marked = {path for path, _, mutable in leaves(Spec, "spec") if mutable}
    assert set(re.findall(r"`(spec\.[\w.]+)`", text)) == marked


@pytest.mark.parametrize(("role", "policy"), POLICIES)
def test_a_code_has_the_action_that_its_row_names(role, policy):
    acts = {"worker": 3, "finalizer": 4}[role]
    condemned = policy == worker_policy(fail_on_user_code=True)
    page: dict[str, set[int]] = {}
    for row in table(PAGE, "Exit codes"):
        actions = re.findall("FailJob|FailIndex|Ignore", row[acts])
        if actions and (condemned or ";" not in row[acts]):
            page.setdefault(actions[0], set()).add(int(row[0]))
    on_codes = [one for one in policy["rules"] if "onExitCodes" in one]
    assert page == {one["action"]: set(one["onExitCodes"]["values"]) for one in on_codes}
    order = [one["action"] for one in policy["rules"]]
    assert order == sorted(order, key=["FailJob", "FailIndex", "Ignore"].index)
    assert policy["rules"][-1]["onPodConditions"][0]["type"] == "DisruptionTarget"


def test_group_version_and_kind_are_those_of_the_crd():
    crd = yaml.safe_load((ROOT / "crds" / "batchprocess.dev_batchprocessjobs.yaml").read_text())
    spec = crd["spec"]
    found = (spec["group"], *(one["name"] for one in spec["versions"]), spec["names"]["kind"])
    assert found == (GROUP, VERSION, KIND)
    text = " ".join(section(PAGE, "Objects on the cluster").split())
    assert text.startswith(
        "Group `{}`, version `{}`, kind `{}`, plural `{}`, short name `{}`.".format(
            *found, PLURAL, *spec["names"]["shortNames"]
        )
    )


def test_every_label_and_annotation_has_its_row():
    rows = columns(table(PAGE, "Objects on the cluster"), 0, 1)
    known = [
        (value, name.partition("_")[0].lower())
        for name, value in (vars(shared_names) | vars(names)).items()
        if name.startswith(("LABEL_", "ANNOTATION_"))
    ]
    assert sorted(rows) == sorted(known)


def test_children_are_called_as_the_page_says():
    text = " ".join(section(PAGE, "Objects on the cluster").split())
    made = {
        "`<name>-<first 8 of the UID>`": names.worker_job_name("digits", "0a1b2c3d-11", 0),
        "`<name>-<first 8 of the UID>-fin`": names.finalizer_job_name("digits", "0a1b2c3d-11", 0),
    }
    for pattern, name in made.items():
        assert pattern in text
        shown = pattern.replace("<first 8 of the UID>", "0a1b2c3d").replace("<name>", "digits")
        assert name == shown.strip("`")
    assert names.worker_job_name("digits", "0a1b2c3d-11", 2) == "digits-0a1b2c3d-r2"
    assert names.finalizer_job_name("digits", "0a1b2c3d-11", 2) == "digits-0a1b2c3d-fin-r2"


@pytest.mark.parametrize("row", table(PAGE, "Objects on the cluster", 1), ids=lambda row: row[0])
def test_what_is_fixed_in_the_children_is_what_the_page_says(row):
    made = job()
    for child, value in (
        (worker_job(made.body, made.identity, None), row[1]),
        (finalizer_job(made.body, made.identity), row[2]),
    ):
        assert _at(child, row[0]) == json.loads(value)


def test_the_pods_have_the_token_and_the_tolerations_that_the_page_says():
    made = job(source={"configMap": "code"}, output={"uri": "/a", "s3": {"caBundleConfigMap": "c"}})
    pod = worker_job(made.body, made.identity, None)["spec"]["template"]["spec"]
    text = " ".join(section(PAGE, "Objects on the cluster").split())
    (token,) = [
        volume["projected"]["sources"][0]["serviceAccountToken"]
        for volume in pod["volumes"]
        if "projected" in volume
    ]
    assert f"good for {token['expirationSeconds']} s" in text
    assert {f"for {one['tolerationSeconds']} s" for one in pod["tolerations"]} == {"for 30 s"}
    assert "tolerates a lost node for 30 s" in text
    for mount in pod["containers"][0]["volumeMounts"]:
        assert f"`{mount['mountPath']}`" in text
    audience = "batchprocess.dev/<namespace>/<job's UID>"
    assert f"`{audience}`" in " ".join(section(PAGE, "Who may report").split())
    assert f"`{audience}`" in read_page("progress-endpoint.md")
    shown = audience.replace("<namespace>", "team").replace("<job's UID>", made.identity.uid)
    assert token["audience"] == shown


def test_the_rates_and_the_leeway_are_those_of_the_endpoint():
    rates = {"a pod": limits.POD, "a namespace": limits.NAMESPACE, "everybody": limits.EVERYBODY}
    assert table(PAGE, "Rates") == [
        (name, f"{round(1 / rate.interval, 3):,g}", f"{rate.burst:,}")
        for name, rate in rates.items()
    ]
    assert f"{LEEWAY_SECONDS} s leeway" in " ".join(section(PAGE, "Who may report").split())


def test_every_answer_of_the_endpoint_has_its_row_and_no_other():
    folder = ROOT / "operator" / "batchprocess_operator" / "endpoint"
    code = "".join(path.read_text() for path in folder.glob("*.py"))
    given = set(re.findall(r"(?:Refusal\(|status=)(\d{3})\b", code))
    rows = re.findall(r"^\| ([\d, ]+) \|", read_page("progress-endpoint.md"), flags=re.MULTILINE)
    assert sorted(given) == sorted(one for row in rows for one in row.split(", "))


def _at(node: Any, path: str) -> Any:
    for part in path.split("."):
        node = node[int(part)] if part.isdecimal() else (node or {}).get(part)
    return node
