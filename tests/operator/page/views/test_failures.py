"""The pods that failed last."""

from batchprocess.protocol.exit_codes import ExitCode
from batchprocess_operator.model.observed import Observed
from batchprocess_operator.page.views.failures import MAX_FAILURES, last_failures
from support.operator.objects import FINALIZER, NOW, child, ended, pod

RAISED = ended(code=ExitCode.USER_CODE, message="ValueError: bad row")


def failures(*pods, gone=()):
    seen = Observed((child(), child(FINALIZER)), tuple(pods), tuple(gone))
    return last_failures(seen, 4, 1, NOW)


def test_a_pod_that_failed_is_told_in_its_own_words():
    (found,) = failures(pod(2, code=ExitCode.USER_CODE, said=RAISED, over=-30), pod(1))
    assert (found.where, found.kind) == ("shard 2", "UserCodeRaised")
    assert found.message == "ValueError: bad row"
    assert found.ended is not None
    assert found.ended.ago == "30s"


def test_those_that_ended_well_or_were_asked_to_are_no_failures():
    assert failures(pod(0, code=0), pod(1, code=ExitCode.STOPPED), pod(2)) == []


def test_a_pod_that_only_says_that_it_is_ours_is_not_told():
    assert failures(pod(0, of="another", code=ExitCode.USER_CODE, said=RAISED)) == []


def test_the_newest_come_first_and_only_some_of_many():
    many = [
        pod(0, code=ExitCode.USER_CODE, said=RAISED, over=-n, name=f"pod-{n}") for n in range(50)
    ]
    found = failures(*many[25:], gone=many[:25])
    assert [one.pod for one in found] == [f"pod-{n}" for n in range(MAX_FAILURES)]


def test_one_of_the_finalizer_is_told_as_that():
    (found,) = failures(pod(0, of=FINALIZER, code=ExitCode.STORAGE, said=RAISED))
    assert found.where == "finalizer"
