"""Performing actions: they may be repeated, late, or done by a replica at the same time."""

from collections.abc import Callable
from typing import Any

import pytest

from batchprocess_operator.apply.perform import NameTakenError, Target, perform
from batchprocess_operator.kube.errors import Denied, NotFound, Rejected
from batchprocess_operator.model.plan import (
    CheckFinalizer,
    CreateJob,
    DeleteJob,
    GiveUpPod,
    PatchJob,
    ResetBackoff,
)
from support.operator.fake_api import FakeApi, FakeServer, Object
from support.operator.virtual_time import run_virtually

JOBS, PODS = "/apis/batch/v1/namespaces/team/jobs", "/api/v1/namespaces/team/pods"


class TestPerform:
    """Actions may be repeated, late, or done by a replica."""

    TARGET = Target("team", "uid-of-job")

    def do(self, action: Any, prepare: Callable[[FakeServer], None]) -> tuple[Any, FakeServer]:
        async def whole() -> tuple[Any, FakeServer]:
            server = FakeServer()
            prepare(server)
            found = await perform(action(server), self.TARGET, FakeApi(server))  # type: ignore[arg-type]
            return found, server

        return run_virtually(whole())

    def manifest(self, owner: str = "uid-of-job") -> Object:
        owners = [{"controller": True, "uid": owner}]
        return {"metadata": {"name": "a", "ownerReferences": owners}, "spec": {"parallelism": 1}}

    def test_creating_what_is_there_and_ours_is_as_good(self) -> None:
        found, server = self.do(
            lambda _: CreateJob(self.manifest()), lambda s: s.create(JOBS, self.manifest())
        )
        assert found["metadata"]["uid"] == server.get(f"{JOBS}/a")["metadata"]["uid"]
        assert len(server.created) == 1

    def test_creating_what_is_anothers_is_an_error_and_adopts_nothing(self) -> None:
        with pytest.raises(NameTakenError, match="a Job named a exists"):
            self.do(
                lambda _: CreateJob(self.manifest()),
                lambda s: s.create(JOBS, self.manifest("somebody")),
            )

    def later(self, owner: str = "uid-of-job") -> Object:
        return self.manifest(owner) | {"metadata": self.manifest(owner)["metadata"] | {"name": "b"}}

    def create_both(self, prepare: Callable[[FakeServer], None]) -> FakeServer:
        _, server = self.do(lambda _: CreateJob(self.manifest(), self.later()), prepare)
        return server

    def test_what_is_made_later_is_judged_first_and_not_stored(self) -> None:
        server = self.create_both(lambda _: None)
        assert [one.path for one in server.requests] == [f"{JOBS}?dryRun", JOBS]
        assert [where for where, _ in server.created] == [f"{JOBS}/a"]

    def test_if_it_would_be_refused_nothing_is_created_and_it_is_told_which(self) -> None:
        for fault, kind in (("rejected", Rejected), ("denied", Denied)):
            server = FakeServer(faults={0: fault})
            with pytest.raises(kind, match=r"the finalizer Job, .*spec\.finalizer may be changed"):
                self.do(
                    lambda _: CreateJob(self.manifest(), self.later()),
                    lambda one, faults=server.faults: one.faults.update(faults),
                )
            assert server.created == []

    def test_what_both_would_be_refused_for_is_told_of_the_worker_job(self) -> None:
        """Who reads of spec.finalizer looks for it there, and it is in the workers' template."""
        with pytest.raises(Rejected) as refusal:
            self.create_both(lambda one: one.faults.update({0: "rejected", 1: "rejected"}))
        assert "finalizer" not in str(refusal.value)
        with pytest.raises(Rejected, match="the finalizer Job"):
            self.create_both(lambda one: one.faults.update({0: "rejected", 1: "not dry"}))

    def test_if_a_webhook_takes_no_dry_run_nobody_can_know_and_it_goes_on(self) -> None:
        server = self.create_both(lambda one: one.faults.update({0: "not dry"}))
        assert [where for where, _ in server.created] == [f"{JOBS}/a"]

    def test_if_it_is_there_already_it_must_be_ours(self) -> None:
        server = self.create_both(lambda one: one.create(JOBS, self.later()))
        assert len(server.created) == 2
        with pytest.raises(NameTakenError, match="a Job named b exists"):
            self.create_both(lambda one: one.create(JOBS, self.later("somebody")))

    def test_a_finalizer_that_would_be_taken_is_noted_in_the_worker_job(self) -> None:
        def check(server: FakeServer) -> CheckFinalizer:
            uid = server.get(f"{JOBS}/a")["metadata"]["uid"]
            return CheckFinalizer(self.later(), "a", uid, "0123")

        found, server = self.do(check, lambda one: one.create(JOBS, self.manifest()))
        assert found["metadata"]["annotations"]["batchprocess.dev/finalizer"] == "0123"
        assert len(server.created) == 1
        with pytest.raises(Rejected, match="the finalizer Job"):
            self.do(
                check,
                lambda one: (one.create(JOBS, self.manifest()), one.faults.update({0: "rejected"})),
            )

    @pytest.mark.parametrize(
        "action",
        [
            PatchJob("a", "another", {"parallelism": 9}),
            CheckFinalizer({"metadata": {"name": "b"}}, "a", "another", "0123"),
            DeleteJob("a", "another"),
            ResetBackoff("a", "another"),
            GiveUpPod("a", "another", "node-1"),
        ],
    )
    def test_an_object_of_the_same_name_made_since_is_left_alone(self, action) -> None:
        def prepare(server: FakeServer) -> None:
            server.create(JOBS, self.manifest())
            server.create(PODS, self.manifest())

        found, server = self.do(lambda _: action, prepare)
        assert found is None
        assert server.get(f"{JOBS}/a")["spec"] == {"parallelism": 1}
        assert "annotations" not in server.get(f"{PODS}/a")["metadata"]
        assert "status" not in server.get(f"{PODS}/a")

    @pytest.mark.parametrize(
        "action",
        [
            PatchJob("a", "u", {"parallelism": 9}),
            DeleteJob("a", "u"),
            ResetBackoff("a", "u"),
            GiveUpPod("a", "u", "node-1"),
        ],
    )
    def test_what_is_gone_needs_nothing(self, action) -> None:
        assert self.do(lambda _: action, lambda s: None)[0] is None

    def test_a_patch_gives_the_child_as_it_is_now(self) -> None:
        found, _ = self.do(
            lambda s: PatchJob("a", s.get(f"{JOBS}/a")["metadata"]["uid"], {"parallelism": 9}),
            lambda s: s.create(JOBS, self.manifest()),
        )
        assert found["spec"]["parallelism"] == 9

    def test_a_pod_is_given_up_as_the_pod_garbage_collector_does(self) -> None:
        pod = {"metadata": {"name": "p"}, "spec": {"nodeName": "node-1"}}
        pod["status"] = {
            "phase": "Running",
            "conditions": [
                {"type": "Ready", "status": "False"},
                {"type": "DisruptionTarget", "status": "True", "reason": "DeletionByTaintManager"},
            ],
        }

        def give_up(server: FakeServer) -> GiveUpPod:
            return GiveUpPod("p", server.get(f"{PODS}/p")["metadata"]["uid"], "node-1")

        _, server = self.do(give_up, lambda s: s.create(PODS, pod))
        status = server.get(f"{PODS}/p")["status"]
        assert status["phase"] == "Failed"
        told = {one["type"]: one for one in status["conditions"]}
        assert list(told) == ["Ready", "DisruptionTarget"]
        assert (told["DisruptionTarget"]["status"], told["DisruptionTarget"]["reason"]) == (
            "True",
            "NodeLost",
        )

    def test_a_deleted_child_is_gone_with_its_pods(self) -> None:
        _, server = self.do(
            lambda s: DeleteJob("a", s.get(f"{JOBS}/a")["metadata"]["uid"]),
            lambda s: s.create(JOBS, self.manifest()),
        )
        with pytest.raises(NotFound):
            server.get(f"{JOBS}/a")
