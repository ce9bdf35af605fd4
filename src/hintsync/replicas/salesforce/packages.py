"""The metadata that ships with hintsync, as the zips that the Metadata API takes."""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib import resources
from importlib.abc import Traversable
from typing import Final
from urllib.parse import urlsplit
from xml.sax.saxutils import escape

from hintsync.replicas.salesforce.client import API_VERSION
from hintsync.replicas.salesforce.xml_splice import change, read_xml, removed

#: Fields, the log, and the permissions of our own user; nothing works without them.
PACKAGE: Final = "hintsync.salesforce_package"
#: The channel of change events; orgs without change data capture refuse it.
EVENTS_PACKAGE: Final = "hintsync.salesforce_events"
#: What people see: app, pages, tabs, actions, buttons, reports, their permission sets. Needs to know where we are.
PAGES_PACKAGE: Final = "hintsync.salesforce_pages"

_XML: Final = "http://soap.sforce.com/2006/04/metadata"
#: What stands in a file for something that is known at deployment only.
_BLANK = re.compile(r"\$\{([a-z_]+)\}")
#: Zip entries carry a time; a fixed one makes equal packages equal bytes.
_EPOCH = (1980, 1, 1, 0, 0, 0)
#: The file that names the app's key and secret, and the elements that do.
_CREDENTIALS = ".ecaGlblOauth"
_CREDENTIAL_TAGS = ("consumerKey", "consumerSecret")


@dataclass(frozen=True, slots=True)
class Place:
    """What the pages of one installation must be told."""

    #: Address under which people's browsers reach the service, without a slash at its end.
    public_url: str
    #: Whom Salesforce tells of trouble with the app; every app has to name somebody.
    contact_email: str
    #: Key and secret of the app; empty: the org makes them, or keeps those that it made.
    consumer_key: str = ""
    consumer_secret: str = field(default="", repr=False)

    def blanks(self) -> Mapping[str, str]:
        """Return what is to be filled in, by the name of the blank."""
        parts = urlsplit(self.public_url)
        return {
            "public_url": self.public_url,
            "public_origin": f"{parts.scheme}://{parts.netloc}",
            "contact_email": self.contact_email,
            "consumer_key": self.consumer_key,
            "consumer_secret": self.consumer_secret,
        }


def package_files(package: str = PACKAGE, place: Place | None = None) -> dict[str, bytes]:
    """Return the files of a shipped package by their paths, `package.xml` first.

    Args:
        package: which one.
        place: fills the blanks of `PAGES_PACKAGE`; the others have none.
    """
    found = dict(_files(resources.files(package), ""))
    filled = {name: _filled(name, raw, place) if place else raw for name, raw in found.items()}
    return {"package.xml": filled.pop("package.xml"), **filled}


def package_zip(package: str = PACKAGE, place: Place | None = None) -> bytes:
    """Return a shipped package as a zip: `package.xml` and the component files at its root."""
    return packed(package_files(package, place))


def packed(files: Mapping[str, bytes]) -> bytes:
    """Return files as a zip; the same files are the same bytes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, raw in files.items():
            info = zipfile.ZipInfo(name, _EPOCH)
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, raw)
    return buffer.getvalue()


def manifest(members: Mapping[str, list[str]]) -> bytes:
    """Return a `package.xml` that names components by type and full name."""
    types = "".join(
        f"<types>{''.join(f'<members>{escape(name)}</members>' for name in sorted(names))}<name>{kind}</name></types>"
        for kind, names in sorted(members.items())
    )
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<Package xmlns="{_XML}">{types}<version>{API_VERSION}</version></Package>'
    return text.encode()


def _files(folder: Traversable, prefix: str) -> Iterator[tuple[str, bytes]]:
    for entry in sorted(folder.iterdir(), key=lambda each: each.name):
        name = prefix + entry.name
        if entry.is_dir():
            if not entry.name.startswith("__"):
                yield from _files(entry, f"{name}/")
        elif not entry.name.endswith((".py", ".pyc")):
            yield name, entry.read_bytes()


def _filled(name: str, raw: bytes, place: Place) -> bytes:
    """Fill the blanks of a file, each value written as XML text; a blank that nobody knows is a mistake of ours."""
    blanks = place.blanks()
    text = _BLANK.sub(lambda found: escape(blanks[found[1]]), raw.decode())
    return (
        _without_credentials(text.encode()) if name.endswith(_CREDENTIALS) and not place.consumer_key else text.encode()
    )


def _without_credentials(xml: bytes) -> bytes:
    return change(xml, [removed(xml, each) for each in read_xml(xml).all(*_CREDENTIAL_TAGS)])
