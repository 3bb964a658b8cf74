"""Which exit codes end a Job, an index or nothing: the order of the rules."""

from typing import Any

from batchprocess_operator.manifests.pod_failure_policy import worker_policy
from support.operator.manifests import (
    finalizer,
    worker,
)


class TestPolicy:
    """First match wins, so the order is part of the rule (docs/protocol.md, "Exit codes")."""

    def rules(self, **spec: Any):
        return [
            (rule["action"], rule.get("onExitCodes", {}).get("values", "DisruptionTarget"))
            for rule in worker(**spec)["spec"]["podFailurePolicy"]["rules"]
        ]

    def test_is_in_the_contracts_order(self) -> None:
        assert self.rules() == [
            ("FailJob", [91, 95]),
            ("FailIndex", [92, 94]),
            ("Ignore", [85, 87, 88]),
            ("Ignore", "DisruptionTarget"),
        ]

    def test_fails_the_shard_of_a_user_exception_if_the_job_says_so(self) -> None:
        assert ("FailIndex", [90, 92, 94]) in self.rules(failurePolicy={"onBatchError": "fail"})

    def test_counts_whatever_no_rule_names(self) -> None:
        named = {code for _, values in self.rules() for code in values if isinstance(code, int)}
        assert named.isdisjoint({1, 2, 86, 90, 93, 128, 137, 139, 143})

    def test_is_about_the_container_worker_and_in_ascending_order(self) -> None:
        for rule in worker_policy(fail_on_user_code=True)["rules"][:-1]:
            codes = rule["onExitCodes"]
            assert codes["containerName"] == "worker"
            assert codes["values"] == sorted(codes["values"])

    def test_of_the_finalizer_fails_at_once_on_a_contradiction_in_storage(self) -> None:
        rules = finalizer()["spec"]["podFailurePolicy"]["rules"]
        found = [(rule["action"], rule.get("onExitCodes", {}).get("values")) for rule in rules]
        assert found == [("FailJob", [91, 93, 95]), ("Ignore", [85, 88]), ("Ignore", None)]
