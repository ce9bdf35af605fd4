"""Which hosts of an org may show our pages in a frame: those between the canvas and the window around it."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

_MY_DOMAIN = ".my.salesforce.com"
_SANDBOX = ".sandbox"


def frames_of(origin: str) -> Sequence[str]:
    """Return the origins of the pages that an org puts around a canvas app, its own first.

    With My Domain these are the org itself, Lightning, and the hosts of Visualforce pages ("My Domain URL Formats" in
    Salesforce's help); an org of any other host, such as an emulated one, has only itself.
    """
    parts = urlsplit(origin)
    host = parts.hostname or ""
    if not host.endswith(_MY_DOMAIN):
        return (origin,)
    name = host.removesuffix(_MY_DOMAIN)
    place = _SANDBOX if name.endswith(_SANDBOX) else ""
    bare = name.removesuffix(_SANDBOX)
    return (
        origin,
        f"https://{name}.lightning.force.com",
        f"https://{bare}--c{place}.vf.force.com",
        f"https://{bare}{place}.visualforce.com",
    )
