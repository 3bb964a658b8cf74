"""What Argo CD's and Flux's own code make of what the operator writes in each state."""

import subprocess
from typing import Any

import pytest

from support.gitops import fake_argocd
from support.gitops.expected import EXPECTED
from support.gitops.job_states import STATES
from support.gitops.real_tools import FLUX, ask, check_kustomization

pytestmark = pytest.mark.full


@pytest.fixture(scope="module")
def answers() -> dict[str, dict[str, Any]]:
    return dict(zip(STATES, ask(STATES.values()), strict=True))


@pytest.mark.parametrize("state", STATES)
def test_argo_cd_says_and_offers_what_is_expected(
    state: str, answers: dict[str, dict[str, Any]]
) -> None:
    found, wanted = answers[state], EXPECTED[state]
    assert found["argo"]["status"] == wanted.argo
    assert wanted.message in found["argo"]["message"]
    assert set(found["enabled"] or ()) == wanted.actions


@pytest.mark.parametrize("state", STATES)
def test_the_model_that_faster_tests_use_says_the_same(
    state: str, answers: dict[str, dict[str, Any]]
) -> None:
    found, made = answers[state], STATES[state]
    model = fake_argocd.health(made)
    assert found["argo"] == {"status": model.status, "message": model.message}
    assert found["errors"] == {}
    assert found["patches"] == {name: fake_argocd.patch(made, name) for name in found["patches"]}
    assert found["patches"].keys() == {"suspend", "resume", "retry"}


@pytest.mark.parametrize("state", STATES)
def test_flux_waits_for_a_job_to_begin_and_with_expressions_to_end(
    state: str, answers: dict[str, dict[str, Any]]
) -> None:
    found, wanted = answers[state], EXPECTED[state]
    assert found["kstatus"]["status"] == wanted.kstatus
    assert found["flux"]["status"] == wanted.flux


@pytest.mark.parametrize(
    "value", [2**53 + 1, 2**60 + 1, 0.1, 1e300, 5e-324, 3.0, "1", [1, {"a": {}}]]
)
def test_an_action_leaves_what_no_number_of_lua_can_hold_alone(value: Any) -> None:
    made = STATES["running"]
    odd = made | {
        "spec": made["spec"] | {"hparams": {"odd": value, "in": [value, {"a": value}], "n": {}}}
    }
    (found,) = ask([odd])
    assert found["patches"]["suspend"] == {"spec": {"suspend": True}}
    assert fake_argocd.patch(odd, "suspend") == {"spec": {"suspend": True}}


def test_an_action_takes_a_null_for_a_field_that_was_deleted() -> None:
    made = STATES["running"]
    odd = made | {"spec": made["spec"] | {"failurePolicy": {"lostNodeSeconds": None}}}
    (found,) = ask([odd])
    patch = {"suspend": True, "failurePolicy": {"lostNodeSeconds": None}}
    assert found["patches"]["suspend"]["spec"] == patch
    assert fake_argocd.patch(odd, "suspend")["spec"] == patch


@pytest.mark.parametrize("action", ["suspend", "resume", "retry"])
@pytest.mark.parametrize("value", [[{}], [[]], {"a": [1, {}]}, [{"a": [{}]}]])
def test_an_action_refuses_what_argo_cd_would_change_beside(value: Any, action: str) -> None:
    made = STATES["running"]
    (found,) = ask([made | {"spec": made["spec"] | {"hparams": value}}])
    assert "spec has an empty object or list in a list: use kubectl" in found["errors"][action]


def test_the_kustomization_has_only_fields_that_flux_knows() -> None:
    check_kustomization(FLUX)
    with pytest.raises(subprocess.CalledProcessError):
        check_kustomization(FLUX | {"spec": FLUX["spec"] | {"healthcheck": []}})
