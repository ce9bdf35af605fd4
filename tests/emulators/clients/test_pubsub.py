"""A Pub/Sub client from npm, unmodified, over TLS: it logs in, resolves schemas by their ids and decodes with avro-js."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hintsync_emulators.salesforce import create_app
from hintsync_emulators.salesforce.pubsub.server import pubsub_thread
from hintsync_emulators.serve import serving
from hintsync_emulators.tls import write_certificate
from tests.emulators.clients.conftest import TOKEN, Watched, make_org, run
from tests.emulators.clients.installed import installed, node

_SCRIPT = Path(__file__).parent / "pubsub" / "events.mjs"
pytestmark = pytest.mark.slow


def test_a_client_from_npm_subscribes_to_change_events(
    jwt_key: rsa.RSAPrivateKey, tmp_path: Path, exercised: Callable[[Watched, str], None]
) -> None:
    org, files = make_org(jwt_key), write_certificate(tmp_path)
    org.events.channels.select("Contact")
    org.events.settings.keepalive = 0.1
    app = Watched(create_app(org))
    with (
        serving(app, certificate=files) as url,
        pubsub_thread(org, files.read(), count=lambda kind: app.faults.counts.update([kind])) as address,
    ):
        environment = {
            "CLIENT_FOLDER": str(installed("pubsub")),
            "EMULATOR_URL": url,
            "EMULATOR_PUBSUB": address,
            "EMULATOR_TOKEN": TOKEN,
            "EMULATOR_ORG": org.org_id,
            "NODE_EXTRA_CA_CERTS": str(files.ca),
            "NODE_NO_WARNINGS": "1",
        }
        done = run([node(), "--test-reporter=tap", str(_SCRIPT)], environment, tmp_path)
    figures = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", done.stdout, re.MULTILINE)}
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert figures["pass"] == figures["tests"] == 6
    exercised(app, "salesforce-pubsub-api-client")
    org.close()
