"""Health and actions of the Argo CD example, on what the operator writes in each state."""

import lupa.lua51
import pytest

from support.gitops.expected import EXPECTED
from support.gitops.fake_argocd import enabled, health, patch
from support.gitops.job_states import STATES


def test_every_state_is_expected_to_be_something() -> None:
    assert STATES.keys() == EXPECTED.keys()


@pytest.mark.parametrize("state", STATES)
def test_health_says_what_a_person_would_say(state: str) -> None:
    found, wanted = health(STATES[state]), EXPECTED[state]
    assert found.status == wanted.argo
    assert wanted.message in found.message


@pytest.mark.parametrize("state", STATES)
def test_only_what_would_change_something_can_be_clicked_on(state: str) -> None:
    assert enabled(STATES[state]) == EXPECTED[state].actions


def test_an_action_changes_its_field_and_nothing_else() -> None:
    made = STATES["running"] | {}
    odd = {"hparams": {"none": {}, "list": [], "big": 2**60 + 1, "tenth": 0.1}, "n": [{"a": {}}]}
    made["spec"] = made["spec"] | odd
    assert patch(made, "suspend") == {"spec": {"suspend": True}}
    assert patch(STATES["suspended"], "resume") == {"spec": {"suspend": False}}
    assert patch(STATES["shards failed"], "retry") == {"spec": {"retry": 1}}


def test_why_a_job_has_failed_is_told_with_the_codes_error() -> None:
    assert "KeyError" in health(STATES["shards failed"]).message


@pytest.mark.parametrize("action", ["suspend", "resume", "retry"])
def test_an_action_refuses_what_argo_cd_would_change_beside(action: str) -> None:
    made = STATES["running"]
    odd = made | {"spec": made["spec"] | {"hparams": {"a": [1, {}]}}}
    with pytest.raises(lupa.lua51.LuaError, match="empty object or list in a list: use kubectl"):
        patch(odd, action)
