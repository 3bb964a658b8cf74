"""Jobs from a repository of Git, applied and waited for by Flux itself; kwok plays their pods."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from benchmarks.operator_bench import objects
from benchmarks.operator_bench.stages import Play
from benchmarks.operator_bench.world import World, world
from support.gitops.fake_argocd import EXAMPLES
from support.gitops.flux import (
    KUSTOMIZE,
    NAMESPACE,
    NEXT_AT_ONCE,
    git_repository,
    kustomization,
    start_flux,
    start_kustomize,
)
from support.gitops.git_server import Repository, repository
from support.gitops.real_tools import FLUX
from testcluster.machine.waiting import until

pytestmark = [pytest.mark.full, pytest.mark.timeout(900)]
SHARDS, SECONDS = 4, 6


@pytest.fixture(scope="module")
def here() -> Iterator[World]:
    with world(Play(SHARDS, SECONDS, finalizer_seconds=1)) as made:
        made.operator()
        made.plane.kubectl.apply("apiVersion: v1\nkind: Namespace\nmetadata: {name: team}")
        start_flux(made.plane)
        yield made


@pytest.fixture(scope="module")
def git(here: World, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Repository]:
    with repository(tmp_path_factory.mktemp("git")) as made:
        yield made


def jobs(here: World) -> dict[str, str]:
    """Names and states."""
    found = here.plane.kubectl.objects("bpj", "team")
    return {one["metadata"]["name"]: one.get("status", {}).get("state", "") for one in found}


def said(here: World, name: str, kind: str = "Ready") -> dict[str, Any]:
    """A condition of a Kustomization, with the commit that was applied last."""
    status = here.plane.kubectl.get("kustomization", name, NAMESPACE).get("status", {})
    found = [one for one in status.get("conditions", ()) if one["type"] == kind]
    about = {"status": "", "message": "", "applied": status.get("lastAppliedRevision", "")}
    return about | (found[0] if found else {})


def is_ready(here: World, name: str, commit: str) -> bool:
    now = said(here, name)
    return bool(now.get("status") == "True" and now["applied"].endswith(commit))


def test_a_kustomization_is_ready_once_its_job_is_complete(here: World, git: Repository) -> None:
    folder = git.folder / "jobs"
    folder.mkdir()
    job = objects.job("digits", SHARDS, parallelism=2)
    (folder / "digits.yaml").write_text(yaml.safe_dump(job))
    commit = git.commit("Add a job")
    here.plane.kubectl.apply(git_repository("jobs", git.url))
    here.plane.kubectl.apply(yaml.safe_dump(FLUX))
    until("it runs", lambda: jobs(here).get("digits") == "Running")
    until("it waits", lambda: "health checks" in said(here, "digits", "Reconciling")["message"])
    assert said(here, "digits")["status"] == "Unknown"
    seen = []

    def ended() -> bool:
        # First what Flux says: a job that is Complete when it is asked may not have been before.
        ready = is_ready(here, "digits", commit)
        seen.append((ready, jobs(here)["digits"]))
        return ready

    until("Flux is content", ended, seconds=120)
    assert {state for ready, state in seen if ready} == {"Complete"}
    assert {"Running", "Complete"} <= {state for _, state in seen}
    generation = here.plane.kubectl.get("bpj", "digits", "team")["metadata"]["generation"]
    assert generation == 1, "Flux or we have changed the job"


@pytest.fixture
def lengths(here: World, git: Repository) -> Iterator[Path]:
    """The example for kustomize in the repository, and what applies it and waits for all of it."""
    folder = Path(shutil.copytree(EXAMPLES / "kustomize", git.folder / "lengths"))
    edit(folder / "job.yaml", "shards: 64", f"shards: {SHARDS}")
    git.commit("Add the lengths")
    only = {"healthCheckExprs": FLUX["spec"]["healthCheckExprs"], "timeout": "24h"}
    spec = {"sourceRef": FLUX["spec"]["sourceRef"], "path": "./lengths", "interval": "10m"}
    made = kustomization("lengths", spec | only | {"prune": True, "wait": True})
    here.plane.kubectl.apply(git_repository("jobs", git.url))
    here.plane.kubectl.apply(made)
    yield folder
    here.plane.kubectl("delete", "kustomization", "lengths", f"--namespace={NAMESPACE}")
    until("it takes its job along", lambda: not named(here, "lengths-"))
    shutil.rmtree(folder)


def named(here: World, prefix: str) -> dict[str, str]:
    return {name: state for name, state in jobs(here).items() if name.startswith(prefix)}


def edit(path: Path, old: str, new: str) -> None:
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))


def other_code(folder: Path) -> None:
    with (folder / "lengths.py").open("a") as file:
        file.write("\n# Another version.\n")


def begun(here: World) -> str:
    until("the job runs", lambda: list(named(here, "lengths-").values()) == ["Running"])
    (name,) = named(here, "lengths-")
    return name


def test_new_code_is_another_job_once_the_job_before_is_complete(
    here: World, git: Repository, lengths: Path
) -> None:
    first = begun(here)
    other_code(lengths)
    commit = git.commit("Change the code")
    states = []

    def replaced() -> bool:
        found = named(here, "lengths-")
        states.extend(state for name, state in found.items() if name == first)
        return first not in found and len(found) == 1

    until("another job, and the first is pruned", replaced, seconds=120)
    assert states[-1] == "Complete", "Flux did not wait for the first"
    until("Flux is content", lambda: is_ready(here, "lengths", commit), seconds=120)
    assert list(named(here, "lengths-").values()) == ["Complete"]
    maps = here.plane.kubectl.names("configmaps", "team")
    assert [name for name in maps if name.startswith("lengths-")] == list(named(here, "lengths-"))


def test_with_its_gate_open_new_code_takes_the_place_of_a_job_that_runs(
    here: World, git: Repository, lengths: Path
) -> None:
    here.plane.programs.stop(KUSTOMIZE)
    start_kustomize(here.plane, NEXT_AT_ONCE)
    first = begun(here)
    other_code(lengths)
    commit = git.commit("Change the code again")
    states = []

    def replaced() -> bool:
        found = named(here, "lengths-")
        states.extend(state for name, state in found.items() if name == first)
        return first not in found and len(found) == 1

    until("another job, and the first is pruned", replaced, seconds=120)
    assert set(states) == {"Running"}
    until("Flux is content", lambda: is_ready(here, "lengths", commit), seconds=120)
    assert list(named(here, "lengths-").values()) == ["Complete"]
