"""Destinations of the settings, as the operator begins with them."""

import asyncio
import json
from typing import Any

import pytest

from batchprocess_operator.controller.lanes import notifier_of
from batchprocess_operator.controller.metrics import Metrics
from batchprocess_operator.notify.lane import AT_A_TIME
from batchprocess_operator.settings import OperatorSettings, SettingsError
from batchprocess_operator.watch.cache import JobCache

URL = "https://hooks.example/T0/secret"


def begun(text: str) -> tuple[list[str], int, str]:
    """Names of destinations, how many tasks there are for them, and the page of metrics."""

    async def go() -> tuple[list[str], int, str]:
        settings, metrics = OperatorSettings(notifications=text), Metrics(JobCache())
        async with notifier_of(settings, print, metrics, lambda: 0.0) as made:
            return [*made.lanes], len([*made.workers()]), metrics.page().make().decode()

    return asyncio.run(go())


def setting(**fields: Any) -> str:
    one = {"name": "team", "type": "webhook", "url": URL} | fields
    return json.dumps({"destinations": [one]})


def test_each_destination_has_its_own_tasks_and_metrics() -> None:
    names, tasks, page = begun(setting())
    assert (names, tasks) == (["team"], AT_A_TIME)
    assert 'batchprocess_notifications_waiting{destination="team"} 0.0' in page
    assert 'batchprocess_notifications_total{destination="team",result="failed"} 0.0' in page
    assert "secret" not in page


def test_without_destinations_there_is_nothing() -> None:
    names, tasks, page = begun("")
    assert (names, tasks) == ([], 0)
    assert "destination=" not in page


@pytest.mark.parametrize("text", [setting(type=URL), setting(colour=URL), setting()[:-1]])
def test_a_wrong_setting_is_said_in_a_sentence_without_what_may_be_secret(text: str) -> None:
    with pytest.raises(SettingsError, match="^BATCHPROCESS_OPERATOR_NOTIFICATIONS: ") as caught:
        begun(text)
    assert "secret" not in str(caught.value)
