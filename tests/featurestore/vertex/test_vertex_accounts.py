"""TLS and Google's credentials, with an authority and an account made up for the test."""

import json
import shutil
import subprocess
import time
from pathlib import Path

import grpc
import pytest

from featurestore import StoreUnavailable
from featurestore.vertex import VertexSettings, open_store
from featurestore.vertex.conduct import Conduct
from featurestore.vertex.emulated_legacy import LegacyService
from featurestore.vertex.tablefile import Table
from idcolumn import IdColumn

pytestmark = pytest.mark.anyio


@pytest.fixture
def certificate(tmp_path: Path) -> Path:
    """Make a key and a certificate of localhost that signs itself."""
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    command = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2"]
    command += ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    command += ["-keyout", "key.pem", "-out", "cert.pem"]
    subprocess.run(command, cwd=tmp_path, check=True, capture_output=True)
    return tmp_path / "cert.pem"


def account(certificate: Path) -> Path:
    """Write the key file of a service account."""
    key = certificate.with_name("key.pem").read_text()
    described = {"type": "service_account", "project_id": "p", "private_key_id": "1"}
    described |= {"client_email": "a@p.iam", "token_uri": "http://127.0.0.1:9/", "private_key": key}
    path = certificate.with_name("account.json")
    path.write_text(json.dumps(described))
    return path


def server_credentials(certificate: Path) -> grpc.ServerCredentials:
    pair = certificate.with_name("key.pem").read_bytes(), certificate.read_bytes()
    return grpc.ssl_server_credentials([pair])


class Noting(grpc.aio.ServerInterceptor):
    """Keeps the metadata of every call."""

    def __init__(self) -> None:
        self.metadata: list[dict[str, str]] = []

    async def intercept_service(self, continuation, handler_call_details):
        self.metadata.append(dict(handler_call_details.invocation_metadata))
        return await continuation(handler_call_details)


async def test_calls_are_encrypted_signed_and_routed(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GRPC_DEFAULT_SSL_ROOTS_FILE_PATH", str(certificate))
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(account(certificate)))
    noting = Noting()
    server = grpc.aio.server(interceptors=[noting])
    tables = {"article": Table(("alpha",), {"a": (2.0,)})}
    server.add_generic_rpc_handlers(LegacyService(tables, Conduct()).handlers())
    port = server.add_secure_port("localhost:0", server_credentials(certificate))
    await server.start()
    store = open_store("vertex-legacy", VertexSettings("p", "l", "f", endpoint=f"localhost:{port}"))
    column = IdColumn.from_list(["a"])
    for _ in range(5):  # in turn: google-auth stumbles over several first calls at once
        batch = await store.fetch("article", column, ("alpha",), time.monotonic() + 30)
        assert batch.values.tolist() == [[2.0]]
    assert noting.metadata[-1]["authorization"].startswith("Bearer ey")
    path = "projects%2Fp%2Flocations%2Fl%2Ffeaturestores%2Ff%2FentityTypes%2Farticle"
    routed = noting.metadata[-1]["x-goog-request-params"]
    assert routed.replace("/", "%2F") == f"entity_type={path}"
    await store.close()
    await server.stop(1.0)


async def test_without_credentials_it_says_how_to_get_some(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("GOOGLE_APPLICATION_CREDENTIALS", str(tmp_path / "nowhere.json"))
    for kind in ("vertex", "vertex-legacy"):
        store = open_store(kind, VertexSettings("p", "l", "f", "s", endpoint="localhost:1"))
        for _ in range(2):
            with pytest.raises(StoreUnavailable, match=r"no valid credentials: .*nowhere\.json"):
                await store.check(time.monotonic() + 30)
        await store.close()
