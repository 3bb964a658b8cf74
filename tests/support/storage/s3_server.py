"""Real S3 servers for tests: started on a free loopback port, stopped by process id."""

import contextlib
import os
import subprocess
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import boto3
import trustme
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from batchprocess.protocol.environment import S3Settings
from testcluster.machine.ports import free_port

TOOLS = Path(__file__).parents[3] / ".cache" / "bin"
KEY, SECRET = "tester", "tester-secret"


@dataclass(frozen=True)
class Server:
    """How to reach a running server, and a bucket made on it."""

    endpoint: str
    bucket: str = "work"
    ca_bundle: str | None = None

    def settings(self) -> S3Settings:
        return S3Settings(endpoint=self.endpoint, region="us-east-1", addressing="path")

    def env(self) -> dict[str, str]:
        return {"AWS_ACCESS_KEY_ID": KEY, "AWS_SECRET_ACCESS_KEY": SECRET}

    def through(self, endpoint: str) -> "Server":
        """The same server, reached by way of a proxy."""
        return replace(self, endpoint=endpoint)


@contextlib.contextmanager
def versitygw(
    folder: Path,
    port: int | None = None,
    authority: trustme.CA | None = None,
    address: str = "127.0.0.1",
) -> Iterator[Server]:
    """A versitygw over a folder on disk; objects survive its restart with the same folder.

    Speaks TLS, with a certificate of `authority`, if one is given. `address`: loopback, or one
    that a test cluster's pods reach.
    """
    at = f"{address}:{port or free_port()}"
    data = folder / "objects"
    data.mkdir(exist_ok=True)
    tls = [] if authority is None else _certificate(authority, folder, address)
    ca_bundle = str(folder / "ca.crt") if tls else None
    command = [str(TOOLS / "versitygw"), "--port", at, "--quiet", *tls, "posix", str(data)]
    env = {"ROOT_ACCESS_KEY": KEY, "ROOT_SECRET_KEY": SECRET}
    endpoint = f"{'https' if tls else 'http'}://{at}"
    with _running(command, env, Server(endpoint, ca_bundle=ca_bundle)) as server:
        yield server


def _certificate(authority: trustme.CA, folder: Path, address: str) -> list[str]:
    issued = authority.issue_cert("127.0.0.1", address)
    authority.cert_pem.write_to_path(str(folder / "ca.crt"))
    key, certificate = folder / "tls.key", folder / "tls.crt"
    issued.private_key_pem.write_to_path(str(key))
    issued.cert_chain_pems[0].write_to_path(str(certificate))
    return ["--key", str(key), "--cert", str(certificate)]


@contextlib.contextmanager
def minio(folder: Path) -> Iterator[Server]:
    """A MinIO over a folder on disk."""
    at = f"127.0.0.1:{free_port()}"
    command = [str(TOOLS / "minio"), "server", "--quiet", "--address", at, str(folder)]
    env = {"MINIO_ROOT_USER": KEY, "MINIO_ROOT_PASSWORD": SECRET, "MINIO_BROWSER": "off"}
    with _running(command, env, Server(f"http://{at}")) as server:
        yield server


@contextlib.contextmanager
def _running(command: list[str], env: Mapping[str, str], server: Server) -> Iterator[Server]:
    assert Path(command[0]).exists(), f"{command[0]} is missing: run `make test`, which builds it"
    process = subprocess.Popen(
        command, env={**os.environ, **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        yield _ready(server, process)
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _ready(server: Server, process: "subprocess.Popen[bytes]") -> Server:
    client = boto3.client(
        "s3",
        endpoint_url=server.endpoint,
        region_name="us-east-1",
        aws_access_key_id=KEY,
        aws_secret_access_key=SECRET,
        verify=server.ca_bundle,
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=1, read_timeout=5),
    )
    deadline = time.monotonic() + 30
    while True:
        assert process.poll() is None, f"the server at {server.endpoint} ended at once"
        try:
            names = [bucket["Name"] for bucket in client.list_buckets()["Buckets"]]
            if server.bucket not in names:
                client.create_bucket(Bucket=server.bucket)
            return server
        except (ClientError, BotoCoreError):
            assert time.monotonic() < deadline, f"no answer from {server.endpoint} in 30 s"
            time.sleep(0.05)
