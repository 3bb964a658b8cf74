"""Containers that ask for devices are told from those that run anywhere."""

from typing import Any

import pytest

from batchprocess_operator.manifests.devices import asks_for_devices, workers_ask_for_devices
from support.operator.manifests import template
from support.operator.objects import job


@pytest.mark.parametrize(
    "resources",
    [
        {"limits": {"nvidia.com/gpu": 1}},
        {"requests": {"amd.com/gpu": "1"}},
        {"limits": {"cpu": 1, "example.org/engine": "10"}},
        {"claims": [{"name": "gpu"}]},
    ],
)
def test_an_extended_resource_or_a_claim_is_a_device(resources: dict[str, Any]) -> None:
    assert asks_for_devices({"resources": resources})


@pytest.mark.parametrize(
    "resources",
    [
        None,
        {},
        {"limits": None, "requests": {"cpu": "1", "memory": "4Gi", "ephemeral-storage": 1}},
        {"limits": {"hugepages-2Mi": "4Mi", "attachable.kubernetes.io/disks": 1}},
        {"limits": {"nvidia.com/gpu": 0}, "requests": {"nvidia.com/gpu": "0"}},
        {"claims": []},
    ],
)
def test_what_every_node_has_or_none_of_it_is_no_device(resources: dict[str, Any] | None) -> None:
    assert not asks_for_devices({"resources": resources})


@pytest.mark.parametrize(
    ("worker", "asks"),
    [
        ({}, False),
        ({"gpus": 1}, True),
        (template(initContainers=[{"name": "a"}]), False),
        (
            template(initContainers=[{"name": "a", "resources": {"limits": {"a.b/c": 1}}}]),
            True,
        ),
        (template(containers=[{"name": "worker", "resources": {"claims": [{}]}}]), True),
    ],
)
def test_workers_do_if_one_of_their_containers_does(worker: dict[str, Any], asks: bool) -> None:
    assert workers_ask_for_devices(job(worker=worker).body) is asks
