"""Of where workers may run, only what their image can run on is asked for."""

from typing import Any

import pytest

from batchprocess_operator.manifests.image_platform import platform_affinity, platform_selector

ARM = {"key": "kubernetes.io/arch", "operator": "In", "values": ["arm64"]}
LINUX = {"key": "kubernetes.io/os", "operator": "In", "values": ["linux"]}
GPU = {"key": "gpu", "operator": "Exists"}


def required(*terms: list[dict[str, Any]]) -> dict[str, Any]:
    """A pod's affinity to nodes of any of these terms."""
    made = {"nodeSelectorTerms": [{"matchExpressions": term} for term in terms]}
    return {"affinity": {"nodeAffinity": {"requiredDuringSchedulingIgnoredDuringExecution": made}}}


def test_of_a_selector_architecture_and_system_are_kept() -> None:
    selector = {"kubernetes.io/arch": "arm64", "beta.kubernetes.io/os": "linux", "pool": "gpu"}
    kept = {"kubernetes.io/arch": "arm64", "beta.kubernetes.io/os": "linux"}
    assert platform_selector({"nodeSelector": selector}) == kept
    assert platform_selector({}) == {}


def test_of_an_affinity_the_same() -> None:
    pod = required([GPU, ARM], [LINUX])
    pod["affinity"]["podAffinity"] = {"any": "thing"}
    assert platform_affinity(pod) == required([ARM], [LINUX])["affinity"]


@pytest.mark.parametrize(
    "pod",
    [
        {},
        {"affinity": None},
        {"affinity": {"podAntiAffinity": {}}},
        required(),
        required([GPU]),
        # A node of the second term would do, whatever its architecture.
        required([ARM], [GPU]),
        required([ARM], []),
    ],
)
def test_one_that_lets_any_platform_pass_asks_for_nothing(pod: dict[str, Any]) -> None:
    assert platform_affinity(pod) is None


def test_what_a_selector_says_itself_is_left_out() -> None:
    pod = required([ARM, LINUX])
    assert platform_affinity(pod, but={"kubernetes.io/arch"}) == required([LINUX])["affinity"]
    assert platform_affinity(pod, but={"kubernetes.io/arch", "kubernetes.io/os"}) is None


@pytest.mark.parametrize("nonsense", [5, "x", [1], {"nodeAffinity": [2]}, required([ARM])])
def test_nonsense_says_nothing(nonsense: Any) -> None:
    assert platform_affinity({"affinity": nonsense}) is None
    assert platform_selector({"nodeSelector": nonsense}) == {}
