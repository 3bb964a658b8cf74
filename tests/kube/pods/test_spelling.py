"""What a pod's processes are given, by Kubernetes' own rules, is what the job says."""

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from batchprocess.api.environment import worker_environment
from batchprocess.api.job import BatchProcessJob
from batchprocess.kube.pods.spelling import as_written, spell_values
from batchprocess.protocol.environment import WorkerEnvironment
from batchprocess_operator.manifests.jobs import finalizer_job, worker_job
from support.operator.fake_expansion import expand, started
from support.operator.manifests import ADDRESS, container_of, finalizer, template, worker
from support.operator.objects import job

LITERAL = "batchprocess.dev/literal"
parts = st.sampled_from(
    ["$", "$$", "(", ")", "$(TOKEN)", "$(BATCHPROCESS_JOB)", "a", '"', "é", " "]
)
texts = st.lists(parts, min_size=1, max_size=8).map("".join)
values = st.recursive(texts, lambda one: st.lists(one) | st.dictionaries(texts, one), max_leaves=6)
specs = st.fixed_dictionaries(
    {
        "hparams": st.dictionaries(texts, values, max_size=3),
        "command": st.lists(texts, min_size=1, max_size=4),
        "output": texts.map(lambda text: {"uri": f"s3://bucket/{text.replace(' ', '')}x"}),
    }
)


def told(container: dict[str, Any]) -> WorkerEnvironment:
    _, environment = started(container)
    environment.pop("BATCHPROCESS_INDEX", None)
    return WorkerEnvironment.from_env(environment)


def asked(body: BatchProcessJob, uri: str, job_id: str) -> dict[str, Any]:
    return worker_environment(body, run_uri=uri, job_id=job_id).model_dump(
        include={"hparams", "run_uri", "command", "processor", "dataset", "s3"}
    )


class TestLiteral:
    @settings(max_examples=200, deadline=None)
    @given(specs)
    def test_every_text_reaches_the_process_as_a_local_run_has_it(self, spec) -> None:
        secret = [{"name": "TOKEN", "value": "secret"}]
        one = job(**spec, worker=template(containers=[{"name": "worker", "env": secret}]))
        identity = one.identity
        local = asked(one.body, identity.run_uri, identity.job_id)
        for made in (
            worker_job(one.body, identity, ADDRESS),
            finalizer_job(one.body, identity),
        ):
            command, environment = started(container_of(made))
            assert command[command.index("--") + 1 :] == spec["command"]
            assert told(container_of(made)).model_dump(include=set(local)) == local
            assert "secret" not in [text for name, text in environment.items() if name != "TOKEN"]

    def test_the_users_own_variables_keep_kubernetes_rule(self) -> None:
        env = [{"name": "A", "value": "1"}, {"name": "B", "value": "$(A) $$(A)"}]
        made = worker(worker=template(containers=[{"name": "worker", "env": env}]))
        assert started(container_of(made))[1]["B"] == "1 $(A)"

    def test_an_interpreter_and_a_progress_address_are_literal_too(self) -> None:
        made = worker(address=ADDRESS, worker={"python": "/opt/$(A)$$/python"})
        command, environment = started(container_of(made))
        assert command[0] == "/opt/$(A)$$/python"
        assert environment["BATCHPROCESS_PROGRESS_URL"] == ADDRESS.url

    def test_is_noted_on_children_where_it_makes_a_difference_alone(self) -> None:
        for make in (worker, finalizer):
            assert LITERAL not in make()["metadata"]["annotations"]
            assert make(hparams={"a": "$5"})["metadata"]["annotations"][LITERAL] == "true"
            assert make(command=["echo", "$5"])["metadata"]["annotations"][LITERAL] == "true"


class TestAsWritten:
    def test_gives_what_operators_gave_before(self) -> None:
        one = job(hparams={"a": "$$5"}, command=["echo", "$$"])
        made = worker_job(one.body, one.identity, None, spell=as_written)
        assert told(container_of(made)).hparams == {"a": "$5"}
        assert started(container_of(made))[0][-1] == "$"
        assert LITERAL not in made["metadata"]["annotations"]


class TestSpellValues:
    def test_leaves_alone_what_nothing_expands(self) -> None:
        entry = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "$$", "key": "k"}}}
        assert spell_values([entry], lambda text: text * 2) == [entry]


def test_the_rules_are_those_of_kubernetes_own_tests() -> None:
    known = {"VAR_A": "A", "VAR_EMPTY": ""}
    for given_text, wanted in {
        "$(VAR_A)": "A",
        "___$(VAR_EMPTY)___": "______",
        "$$(VAR_A)_$(VAR_A)": "$(VAR_A)_A",
        "$$$(VAR_A)": "$A",
        "$$$$(VAR_A)": "$$(VAR_A)",
        "$VAR_A": "$VAR_A",
        "$(VAR_A": "$(VAR_A",
        "$(NOPE)": "$(NOPE)",
        "foo$": "foo$",
        "$": "$",
        "$()": "$()",
        "$(VAR_A$(VAR_A))": "$(VAR_A$(VAR_A))",
    }.items():
        assert expand(given_text, known) == wanted, given_text
