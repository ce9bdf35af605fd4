"""Certificates made at start, and the ports that use them."""

from __future__ import annotations

import json
import ssl
import stat
import subprocess
import sys
from pathlib import Path

import grpc
import httpx
import pytest
from cryptography import x509

from hintsync_emulators.hint import Practice, create_app
from hintsync_emulators.serve import emulator_process, serving
from hintsync_emulators.tls import make_certificate, write_certificate


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_a_client_that_trusts_the_authority_is_served_under_both_names(tmp_path: Path, host: str) -> None:
    files = write_certificate(tmp_path)
    practice = Practice(seed=1)
    with serving(create_app(practice), certificate=files) as url:
        assert url.startswith("https://127.0.0.1:")
        context = ssl.create_default_context(cafile=str(files.ca))
        context.verify_flags |= ssl.VERIFY_X509_STRICT
        with httpx.Client(verify=context, auth=(practice.token, "")) as client:
            answer = client.get(f"{url.replace('127.0.0.1', host)}/api/provider/practice")
        assert answer.json()["id"] == practice.id


def test_a_client_that_does_not_trust_it_is_not(tmp_path: Path) -> None:
    files = write_certificate(tmp_path)
    (tmp_path / "other").mkdir()
    other = write_certificate(tmp_path / "other")
    context = ssl.create_default_context(cafile=str(other.ca))
    with (
        serving(create_app(Practice(seed=1)), certificate=files) as url,
        httpx.Client(verify=context) as client,
        pytest.raises(httpx.ConnectError, match="CERTIFICATE_VERIFY_FAILED"),
    ):
        client.get(url)


def test_the_key_is_for_its_owner_only_and_no_two_are_alike(tmp_path: Path) -> None:
    files = write_certificate(tmp_path)
    assert stat.S_IMODE(files.key.stat().st_mode) == 0o600
    assert make_certificate().key != files.read().key


def test_the_authority_may_sign_and_the_server_may_not() -> None:
    server, ca = x509.load_pem_x509_certificates(make_certificate().chain)
    server.verify_directly_issued_by(ca)
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert not server.extensions.get_extension_for_class(x509.BasicConstraints).value.ca


def test_a_salesforce_process_serves_https_and_events_and_prints_the_path_of_the_authority() -> None:
    arguments = ["salesforce", "--count", "5", "--tls-port", "0", "--pubsub-port", "0", "--change-events", "Contact"]
    with emulator_process(arguments) as facts:
        ca = Path(str(facts["ca"]))
        context = ssl.create_default_context(cafile=str(ca))
        headers = {"Authorization": f"Bearer {facts['token']}"}
        with httpx.Client(verify=context, base_url=str(facts["tls_url"]), headers=headers) as client:
            assert client.get("/services/data/v64.0/limits").status_code == 200
            assert client.get("/_control/pubsub").json()["objects"] == {"ChangeEvents": ["Contact"]}
        with grpc.secure_channel(str(facts["pubsub"]), grpc.ssl_channel_credentials(ca.read_bytes())) as channel:
            grpc.channel_ready_future(channel).result(timeout=20)
            with pytest.raises(grpc.RpcError) as caught:
                channel.unary_unary("/eventbus.v1.PubSub/GetTopic")(b"")
            assert caught.value.code() == grpc.StatusCode.UNAUTHENTICATED
    assert not ca.parent.exists()


def test_a_hint_process_serves_https_and_has_no_events(tmp_path: Path) -> None:
    with emulator_process(["hint", "--count", "5", "--tls-port", "0"]) as facts:
        context = ssl.create_default_context(cafile=str(facts["ca"]))
        assert httpx.get(f"{facts['tls_url']}/_control/counts", verify=context).json()["total"] == 0
    for arguments in (["--pubsub-port", "0"], ["--change-events", "Contact"]):
        command = [sys.executable, "-m", "hintsync_emulators", "hint", "--count", "5", "--json", *arguments]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        assert ended.returncode == 2
        assert "events" in ended.stderr or "Pub/Sub" in ended.stderr
        assert not ended.stdout or json.loads(ended.stdout) is None
