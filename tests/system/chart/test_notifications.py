"""Destinations of messages, from the chart's values to the operator's setting and its files."""

import json
from typing import Any

import pytest

from batchprocess_operator.notify.destinations import read_destinations
from batchprocess_operator.settings import PREFIX
from support.kube.helm import HelmError, rendered

pytestmark = pytest.mark.slow
FOLDER = "/etc/batchprocess/notifications"
URL = {"name": "hooks", "key": "url"}
PLAIN = {"name": "a", "type": "webhook", "url": "https://hooks.example/$(HOME)"}
SECRET = {"name": "b", "type": "slack", "urlSecret": URL, "namespaces": ["team"]}


def pod(*destinations: dict[str, Any], **values: Any) -> dict[str, Any]:
    """The pod's spec."""
    objects = rendered(notifications__destinations=list(destinations), **values)
    (deployment,) = [one for one in objects if one["kind"] == "Deployment"]
    return dict(deployment["spec"]["template"]["spec"])


def setting(spec: dict[str, Any]) -> str | None:
    found = {one["name"]: one.get("value") for one in spec["containers"][0]["env"]}
    return found.get(f"{PREFIX}NOTIFICATIONS")


def test_without_destinations_there_is_nothing_of_it():
    spec = pod()
    assert setting(spec) is None
    assert "volumes" not in spec
    assert "volumeMounts" not in spec["containers"][0]


def test_values_of_a_release_before_notifications_are_taken():
    # As helm upgrade --reuse-values has them: without what is new in the chart.
    objects = rendered(notifications=None, page=None)
    assert "Deployment" in {one["kind"] for one in objects}


def test_the_operator_reads_what_the_values_say_and_secrets_are_files():
    signed = PLAIN | {"signingSecret": {"name": "hooks", "key": "sign"}, "proxy": "http://p:3128"}
    spec = pod(signed, SECRET, notifications__cluster="eu-1")
    text = setting(spec)
    assert text is not None
    made = read_destinations(text.replace("$$(", "$("))  # as Kubernetes hands it on
    first, second = made.destinations
    assert made.cluster == "eu-1"
    assert first.url == PLAIN["url"]
    assert first.signing_secret_file == f"{FOLDER}/a/signingSecret"
    assert (second.url, second.url_file) == (None, f"{FOLDER}/b/urlSecret")
    assert second.namespaces == ("team",)
    assert "$$(HOME)" in text
    unnamed = setting(pod(PLAIN, notifications__cluster=None))
    assert unnamed is not None
    assert read_destinations(unnamed).cluster == ""


def test_secrets_are_mounted_for_reading_and_one_that_is_missing_keeps_nobody_from_starting():
    spec = pod(SECRET, extraVolumes=[{"name": "more", "emptyDir": {}}])
    secrets, more = spec["volumes"]
    item = {"key": "url", "path": "b/urlSecret"}
    source = {"secret": {"name": "hooks", "optional": True, "items": [item]}}
    assert secrets == {"name": "notifications", "projected": {"sources": [source]}}
    assert more["name"] == "more"
    (mount,) = spec["containers"][0]["volumeMounts"]
    assert mount == {"name": "notifications", "mountPath": FOLDER, "readOnly": True}


def test_nothing_may_read_secrets_by_the_api_server_for_it():
    roles = [
        [one for one in made if one["kind"] in ("Role", "ClusterRole")]
        for made in (rendered(), rendered(notifications__destinations=[SECRET]))
    ]
    assert roles[0] == roles[1]


@pytest.mark.parametrize(
    "destination",
    [
        {"name": "a", "type": "webhook"},
        {"name": "a", "type": "mail", "url": "https://x.example"},
        {"name": "A B", "type": "webhook", "url": "https://x.example"},
        {"type": "webhook", "url": "https://x.example"},
        PLAIN | {"urlSecret": URL},
        PLAIN | {"url": "ftp://x.example"},
        PLAIN | {"url": "https://me:secret@x.example"},
        PLAIN | {"url": "https://x.example/a b"},
        PLAIN | {"nameSpaces": ["team"]},
        PLAIN | {"url": "https://ex\u00e4mple"},
        PLAIN | {"namespaces": []},
        PLAIN | {"namespaces": ["*"]},
        PLAIN | {"namespaces": ["Team"]},
        PLAIN | {"signingSecret": "hooks"},
        SECRET | {"signingSecret": URL},
        SECRET | {"urlSecret": {"name": "hooks"}},
    ],
    ids=json.dumps,
)
def test_a_wrong_destination_is_refused(destination: dict[str, Any]):
    with pytest.raises(HelmError, match="values don't meet the specifications of the schema"):
        rendered(notifications__destinations=[destination])


def test_two_destinations_of_one_name_are_refused():
    with pytest.raises(HelmError, match="there are two of the name a"):
        rendered(notifications__destinations=[PLAIN, PLAIN])
