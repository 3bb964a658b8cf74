"""Which cluster is meant, and what is said if none is."""

import sys
from pathlib import Path

import pytest

from batchprocess.client.errors import NotConfigured
from batchprocess.client.server.login import log_in

CONFIG = """
apiVersion: v1
kind: Config
current-context: here
clusters: [{name: one, cluster: {server: "https://127.0.0.1:1"}}]
users: [{name: me, user: {token: secret}}]
contexts:
  - {name: here, context: {cluster: one, user: me}}
  - {name: there, context: {cluster: one, user: me, namespace: team}}
"""


@pytest.fixture
def kubeconfig(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    path = tmp_path / "config"
    path.write_text(CONFIG)
    monkeypatch.setenv("KUBECONFIG", f"{tmp_path / 'none'}:{path}")
    return path


def test_the_current_context_is_meant_or_the_one_that_is_named(kubeconfig: Path) -> None:
    assert log_in(None)[1] == "default"
    client, namespace = log_in("there")
    assert (client.configuration.host, namespace) == ("https://127.0.0.1:1", "team")
    with pytest.raises(NotConfigured, match="for context 'nowhere'"):
        log_in("nowhere")


def test_without_a_kubeconfig_it_says_what_to_set(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("KUBERNETES_SERVICE_HOST", raising=False)
    with pytest.raises(NotConfigured, match=r"^no kubeconfig at .*/none: set KUBECONFIG"):
        log_in(None, str(tmp_path / "none"))


@pytest.mark.parametrize("text", ["{", "[]", "a: b", "kind: Config", "\x00"])
def test_a_file_that_is_no_kubeconfig_is_named(kubeconfig: Path, text: str) -> None:
    kubeconfig.write_text(text)
    with pytest.raises(NotConfigured, match="config cannot be used as a kubeconfig"):
        log_in(None)


def test_without_the_package_it_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "kubernetes", None)
    with pytest.raises(NotConfigured, match=r"pip install 'batchprocess\[client\]'"):
        log_in(None)
