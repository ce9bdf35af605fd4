"""jsforce for Node.js, unmodified, over a socket: each group of cases in ``jsforce/`` against an org of its own.

``jsforce/README.md`` says of every case of jsforce's own tests for connections, records, queries, objects, Bulk API 2.0,
metadata and OAuth which of ours plays it.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import rsa

from hintsync_emulators.salesforce import create_app
from hintsync_emulators.serve import serving
from hintsync_emulators.tls import write_certificate
from tests.emulators.clients.conftest import Emulated, Watched, make_org, run
from tests.emulators.clients.installed import installed, node

_FOLDER = Path(__file__).parent / "jsforce"
_GROUPS = sorted(one.stem for one in _FOLDER.glob("*.mjs") if one.stem != "setup")
pytestmark = pytest.mark.slow


def _pack(path: Path) -> None:
    """Write a package with a name and one custom field of Contact, for the group that deploys."""
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(
            "package.xml",
            '<?xml version="1.0" encoding="UTF-8"?><Package xmlns="http://soap.sforce.com/2006/04/metadata">'
            "<fullName>Front Desk</fullName><types>"
            "<members>Contact.Packed__c</members><name>CustomField</name></types><version>64.0</version></Package>",
        )
        archive.writestr(
            "objects/Contact.object",
            '<?xml version="1.0" encoding="UTF-8"?><CustomObject xmlns="http://soap.sforce.com/2006/04/metadata">'
            "<fields><fullName>Packed__c</fullName><label>Packed</label><length>20</length><type>Text</type></fields>"
            "</CustomObject>",
        )


@pytest.mark.parametrize("group", _GROUPS)
def test_jsforce_finds_an_org(
    group: str, emulated: Emulated, tmp_path: Path, exercised: Callable[[Watched, str], None]
) -> None:
    _pack(tmp_path / "package.zip")
    _play(group, emulated, tmp_path)
    exercised(emulated.app, "@jsforce/jsforce-node")


def test_jsforce_speaks_tls_to_an_authority_it_was_told_of(jwt_key: rsa.RSAPrivateKey, tmp_path: Path) -> None:
    org, files = make_org(jwt_key), write_certificate(tmp_path)
    app = Watched(create_app(org))
    with serving(app, certificate=files) as url:
        _play("crud", Emulated(url, org, app), tmp_path, NODE_EXTRA_CA_CERTS=str(files.ca))
    org.close()


def _play(group: str, emulated: Emulated, folder: Path, **more: str) -> None:
    """Run a group of cases and see that every one of them passed."""
    environment = {**emulated.settings(), "CLIENT_FOLDER": str(installed("jsforce")), **more}
    done = run([node(), "--test-reporter=tap", str(_FOLDER / f"{group}.mjs")], environment, folder)
    figures = {name: int(count) for name, count in re.findall(r"^# (\w+) (\d+)$", done.stdout, re.MULTILINE)}
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    assert figures["pass"] == figures["tests"] > 0
