"""Objects are read from the API server that a kubeconfig names, as the client that it names."""

import http.server
import json
import ssl
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from testcluster.errors import ClusterError
from testcluster.kubernetes.pki import Authority
from testcluster.kubernetes.reader import Reader, collection

OBJECTS = {
    "/api/v1/nodes/node-1": (200, {"metadata": {"name": "node-1"}}),
    "/api/v1/namespaces/a/pods?labelSelector=job%3Db": (200, {"items": [{"kind": "Pod"}]}),
    "/apis/batch/v1/namespaces/a/jobs/gone": (404, {"message": 'jobs.batch "gone" not found'}),
}


class FakeApiServer(http.server.BaseHTTPRequestHandler):
    """Answers as OBJECTS says, to clients whose certificate is of the cluster's authority."""

    def do_GET(self) -> None:
        status, body = OBJECTS.get(self.path, (500, "no JSON object"))
        self.send_response(status)
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    authority = Authority(tmp_path / "pki")
    authority.issue("server", "kube-apiserver", hosts=["127.0.0.1"])
    authority.issue("admin", "admin", "system:masters")
    return authority


@pytest.fixture
def kubeconfig(authority: Authority, tmp_path: Path) -> Iterator[Path]:
    """Of a server that runs."""
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH, cafile=authority.certificate)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_cert_chain(authority.folder / "server.crt", authority.folder / "server.key")
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), FakeApiServer) as server:
        server.socket = context.wrap_socket(server.socket, server_side=True)
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        url = f"https://127.0.0.1:{server.server_port}"
        yield authority.kubeconfig(tmp_path / "kubeconfig", url, "admin")
        server.shutdown()
        thread.join()


def _reader(kubeconfig: Path) -> Reader:
    reader = Reader.of(kubeconfig)
    assert reader is not None
    return reader


def test_an_object_and_a_list_are_read_with_the_kubeconfigs_certificate(kubeconfig: Path) -> None:
    reader = _reader(kubeconfig)

    assert reader.one("/api/v1/nodes", "node-1") == {"metadata": {"name": "node-1"}}
    assert reader.all("/api/v1/namespaces/a/pods", "job=b") == [{"kind": "Pod"}]


@pytest.mark.parametrize(
    ("name", "words"),
    [("gone", '404 jobs.batch "gone" not found'), ("odd", '500 "no JSON object"')],
)
def test_a_refusal_has_the_servers_words(kubeconfig: Path, name: str, words: str) -> None:
    with pytest.raises(ClusterError, match=f"GET /apis/batch/v1/namespaces/a/jobs/{name}: {words}"):
        _reader(kubeconfig).one("/apis/batch/v1/namespaces/a/jobs", name)


def test_a_server_of_another_authority_is_not_believed(kubeconfig: Path, tmp_path: Path) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    server = config["clusters"][0]["cluster"]["server"]
    other = Authority(tmp_path / "other")
    other.issue("admin", "admin", "system:masters")

    with pytest.raises(ClusterError, match="certificate verify failed"):
        _reader(other.kubeconfig(tmp_path / "other.config", server, "admin")).all("/api", "")


def test_a_server_that_is_away_is_a_cluster_error(authority: Authority, tmp_path: Path) -> None:
    nobody = authority.kubeconfig(tmp_path / "kubeconfig", "https://127.0.0.1:1", "admin")

    with pytest.raises(ClusterError, match="refused"):
        _reader(nobody).one("/api/v1/nodes", "node-1")


@pytest.mark.parametrize(
    "user",
    [{"token": "secret"}, {"exec": {"command": "cloud"}}, {"client-certificate-data": "eA=="}],
)
def test_a_client_without_a_certificate_is_left_to_kubectl(
    kubeconfig: Path, user: dict[str, object]
) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    config["users"][0]["user"] = user
    kubeconfig.write_text(yaml.safe_dump(config))

    assert Reader.of(kubeconfig) is None


def test_a_context_that_is_not_there_is_left_to_kubectl(kubeconfig: Path) -> None:
    config = yaml.safe_load(kubeconfig.read_text())
    kubeconfig.write_text(yaml.safe_dump(config | {"current-context": "elsewhere"}))

    assert Reader.of(kubeconfig) is None


@pytest.mark.parametrize(
    ("kind", "path"),
    [
        ("pods", "/api/v1/namespaces/a%2Fb/pods"),
        ("node", "/api/v1/nodes"),
        ("job", "/apis/batch/v1/namespaces/a%2Fb/jobs"),
        ("batchprocessjob", "/apis/batchprocess.dev/v1alpha1/namespaces/a%2Fb/batchprocessjobs"),
        ("resourcequotas", None),
    ],
)
def test_what_is_not_waited_for_is_left_to_kubectl(kind: str, path: str | None) -> None:
    assert collection(kind, "a/b") == path
