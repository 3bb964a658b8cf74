"""How a pod ended, in words: with its name where it could not say so itself."""

from dataclasses import replace

import pytest

from batchprocess_operator.model.observed import Reason
from batchprocess_operator.model.words import MAX_SENTENCE
from batchprocess_operator.observe.read_children import pod_of
from batchprocess_operator.status.pod_ends import causes_of, kind_of, newest_causes, sentence_of
from support.operator.objects import ended, pod, stamp


def raised(index: int = 0, message: str = "KeyError: 'a'", code: int = 90, **more):
    return pod(index, code=code, said=ended(code=code, message=message), **more)


def failed_by_node(reason: str, message: str, code: int | None = None):
    """As the kubelet leaves one."""
    state = {"terminated": {"exitCode": code, "reason": "Error"}}
    status = {"phase": "Failed", "reason": reason, "message": message}
    status["containerStatuses"] = [] if code is None else [{"name": "worker", "state": state}]
    meta = {"name": "a-0-x", "namespace": "team", "uid": "u", "resourceVersion": "7"}
    return pod_of({"metadata": meta | {"creationTimestamp": stamp()}, "spec": {}, "status": status})


def test_the_agents_own_words_need_nothing_else() -> None:
    assert sentence_of(raised()) == "KeyError: 'a'"


@pytest.mark.parametrize(
    ("code", "how"),
    [
        (137, "exit code 137, SIGKILL"),
        (139, "exit code 139, SIGSEGV"),
        (1, "exit code 1"),
        (255, "exit code 255"),
    ],
)
def test_a_pod_that_left_no_word_is_told_by_name_and_code(code: int, how: str) -> None:
    one = pod(0, code=code)
    assert sentence_of(one) == f"pod {one.name} has ended ({how})"


def test_the_end_of_the_log_is_told_where_there_is_one() -> None:
    one = pod(0, code=1, said="Traceback\n  x\nImportError: libcuda.so.1\n\n")
    assert sentence_of(one).endswith("has ended (exit code 1): ImportError: libcuda.so.1")


def test_a_pod_whose_process_was_killed_is_told_by_name_and_code_too() -> None:
    one = raised(code=137, message="the process of shard 0 was killed by SIGKILL: out of memory?")
    assert sentence_of(one).startswith(f"pod {one.name} has ended (exit code 137, SIGKILL): the ")


def test_a_container_that_ran_out_of_memory_is_told() -> None:
    one = replace(pod(0, code=137), died=Reason("OOMKilled", ""))
    assert kind_of(one) == "OOMKilled"
    assert sentence_of(one) == f"pod {one.name} was OOMKilled (exit code 137, SIGKILL)"


def test_an_eviction_that_counts_as_a_failure_is_told_with_what_was_too_much() -> None:
    why = "Container worker exceeded its local ephemeral storage limit 50Gi. "
    one = failed_by_node("Evicted", why, 137)
    assert kind_of(one) == "PodEvicted"
    assert sentence_of(one) == f"pod a-0-x has failed (exit code 137, SIGKILL): Evicted: {why}"


def test_a_pod_that_its_node_refuses_is_told_though_no_container_ever_began() -> None:
    one = failed_by_node("UnexpectedAdmissionError", "no healthy devices: nvidia.com/gpu")
    assert kind_of(one) == "PodRefused"
    assert sentence_of(one) == (
        "pod a-0-x has failed: UnexpectedAdmissionError: no healthy devices: nvidia.com/gpu"
    )


@pytest.mark.hostile
def test_what_a_tenant_writes_there_is_cut_and_cleaned() -> None:
    one = raised(message="a\x1b[31m\n" * 900)
    assert len(sentence_of(one)) == MAX_SENTENCE
    assert sentence_of(one).isprintable()


def test_each_cause_is_said_once_the_most_telling_kind_first() -> None:
    pods = [raised(k, f"shard {k}: ValueError: row {k}", created=-50 + k) for k in range(5)]
    pods += [raised(5, "shard 5: KeyError: 'b'", created=-40), pod(6, code=137, created=-30)]
    pods += [pod(7, code=137, created=-20)]
    assert causes_of(pods) == [
        "shard 5: KeyError: 'b'",
        f"pod {pods[-1].name} has ended (exit code 137, SIGKILL)",
        "shard 4: ValueError: row 4",
    ]
    assert newest_causes(pods) == causes_of(pods)[:2]
