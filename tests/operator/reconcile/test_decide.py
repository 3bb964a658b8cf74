"""Final states and retries, one fact a test. Pure: no clock, no API server."""

import pytest

from support.operator.manifests import env_of
from support.operator.objects import (
    FINALIZER,
    WORKER,
    after,
    child,
    condition,
    job,
    plan,
    pod,
)
from support.operator.planned import DONE, FAILED_INDEX, created


@pytest.mark.parametrize("state", ["Complete", "CompleteWithFailures", "Failed"])
def test_a_final_state_creates_nothing_though_all_children_are_gone(state):
    planned = plan(job({"state": state}))
    assert planned.actions == ()
    assert planned.status.state == state


def test_ttl_deletes_children_and_keeps_the_object_final():
    before = {"state": "Complete", "completionTime": "2030-01-01T11:59:00Z"}
    kept = plan(job(before, ttlSecondsAfterFinished=100), [child(), child(FINALIZER)])
    assert (kept.actions, kept.requeue_after) == ((), 40)
    over = plan(job(before, ttlSecondsAfterFinished=60), [child(), child(FINALIZER)])
    assert [action.name for action in over.actions] == [WORKER, FINALIZER]
    assert over.status.state == "Complete"


class TestRetry:
    FAILED = {  # noqa: RUF012  never changed
        "state": "Failed",
        "sealedShards": "0-1,3",
        "sealedBy": "exitCode",
        "conditions": [
            {
                "type": "Failed",
                "status": "True",
                "reason": "ShardsFailed",
                "message": "",
                "lastTransitionTime": "2030-01-01T11:59:00Z",
            }
        ],
    }

    def test_makes_another_worker_job_over_the_unsealed_shards(self):
        planned = plan(job(self.FAILED, retry=1), [child(status=FAILED_INDEX)])
        (action,) = planned.actions
        assert action.name == f"{WORKER}-r1"
        assert action.manifest["spec"]["completions"] == 1
        notes = action.manifest["spec"]["template"]["metadata"]["annotations"]
        assert notes["batchprocess.dev/shards"] == "2"
        assert planned.status.state == "Pending"
        assert planned.status.retry == 1

    def test_needs_no_child_that_is_left(self):
        (action,) = plan(job(self.FAILED, retry=2)).actions
        assert action.name == f"{WORKER}-r2"
        assert action.manifest["spec"]["completions"] == 1

    def test_waits_until_the_worker_job_before_has_ended(self):
        planned = plan(job(retry=1), [child()], [pod(0)])
        assert created(planned) == []
        assert planned.status.state == "Running"

    def test_that_succeeds_goes_on_to_a_finalizer_of_its_own(self):
        second = child(f"{WORKER}-r1", retry=1, shards="2", completions=1, status={"succeeded": 1})
        state = self.FAILED | {"state": "Running", "retry": 1, "conditions": []}
        planned = plan(job(state, retry=1), [child(status=FAILED_INDEX), second])
        assert created(planned) == [f"{FINALIZER}-r1"]

    def test_is_refused_once_the_run_is_final(self):
        planned = plan(job({"state": "Complete"}, retry=1))
        assert planned.actions == ()
        assert [event.reason for event in planned.events] == ["RetryRefused"]
        again = plan(after(job(retry=1), planned))
        assert again.events == ()

    def test_makes_only_a_finalizer_once_every_pod_has_ended_with_0(self):
        status = self.FAILED | {"sealedShards": "0-3"}
        assert created(plan(job(status, retry=1))) == [f"{FINALIZER}-r1"]
        ended = child(FINALIZER, status={"conditions": [condition("Failed")]})
        done = child(status=DONE | {"completedIndexes": "0-3"})
        assert created(plan(job(self.FAILED, retry=1), [done, ended])) == [f"{FINALIZER}-r1"]

    @pytest.mark.parametrize("sealed", ["0-1,3", "0-3"])
    def test_tells_workers_and_finalizer_how_many_bad_rows_are_allowed_by_now(self, sealed):
        policy = {"failurePolicy": {"onBadRow": "skip", "maxBadRows": "2.5%"}}
        (action,) = plan(job(self.FAILED | {"sealedShards": sealed}, retry=1, **policy)).actions
        told = env_of(action.manifest)
        names = ("BATCHPROCESS_ON_BAD_ROW", "BATCHPROCESS_MAX_BAD_ROWS")
        assert [told[name] for name in names] == ["skip", "2.5%"]

    def test_works_on_what_a_finalizer_has_found_open(self):
        ended = child(FINALIZER, status={"conditions": [condition("Failed")]})
        before = child(status=FAILED_INDEX)
        one = job(self.FAILED, retry=1)
        begun = plan(one, [before, ended])
        assert created(begun) == [f"{WORKER}-r1"]
        second = child(f"{WORKER}-r1", retry=1, shards="2", completions=1)
        working = plan(after(one, begun), [before, ended, second], [pod(0, of=f"{WORKER}-r1")])
        assert (working.status.state, created(working)) == ("Running", [])
        second = child(
            f"{WORKER}-r1",
            retry=1,
            shards="2",
            completions=1,
            status={"succeeded": 1, "completedIndexes": "0"},
        )
        assert created(plan(after(one, working), [before, ended, second])) == [f"{FINALIZER}-r1"]
        last = child(f"{FINALIZER}-r1", retry=1)
        waiting = plan(after(one, working), [before, ended, second, last])
        assert (waiting.status.state, created(waiting)) == ("Finalizing", [])

    def test_that_finds_all_shards_sealed_stays_with_the_finalizer_whichever_jobs_are_left(self):
        one = job(self.FAILED | {"sealedShards": "0-3", "retry": 2}, retry=3)
        left = [
            child(f"{WORKER}-r2", retry=2, suspend=True, shards="1,3", completions=2),
            child(f"{FINALIZER}-r1", retry=1, status={"succeeded": 1}),
        ]
        planned = plan(one, left)
        assert planned.status.state == "Finalizing"
        again = plan(after(one, planned), left)
        assert (again.status, again.actions) == (planned.status, planned.actions)

    def test_of_what_an_older_operator_has_written_works_on_all_shards(self):
        status = {key: value for key, value in self.FAILED.items() if key != "sealedBy"}
        (action,) = plan(job(status, retry=1)).actions
        assert action.manifest["spec"]["completions"] == 4

    def test_starts_anew_what_we_suspended_ourselves(self):
        suspended = child(suspend=True, status={"completedIndexes": "0", "succeeded": 1})
        state = self.FAILED | {"sealedShards": "0"}
        (action,) = plan(job(state, retry=1), [suspended]).actions
        assert (action.name, action.manifest["spec"]["completions"]) == (f"{WORKER}-r1", 3)
