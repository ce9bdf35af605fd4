"""What an org knows of canvas apps, and what is to go wrong when they are opened."""

from __future__ import annotations

from dataclasses import dataclass, field, fields

from hintsync_emulators.salesforce.auth import App

#: Where Salesforce shows canvas apps, as ``displayLocation`` and as the settings of an app name it.
LOCATIONS = (
    "Aura", "Chatter", "ChatterFeed", "MobileNav", "None", "OpenCTI", "PageLayout", "Publisher", "ServiceDesk",
    "Visualforce",
)  # fmt: skip
#: How an app is opened: by a signed request, or by a plain GET after which it begins an OAuth flow itself.
ACCESS_METHODS = ("Post", "Get")


@dataclass(frozen=True, slots=True)
class CanvasApp:
    """What the org knows of one canvas app."""

    #: The developer name: that of the external client app.
    name: str
    label: str
    #: Address of the page; None while the settings name none.
    url: str | None
    application_id: str
    reference_id: str
    #: The client whose secret signs and whose tokens are given; None while the app has no OAuth settings.
    client: App | None
    #: One of `ACCESS_METHODS`.
    access_method: str = "Post"
    #: Any of `LOCATIONS`; empty offers the app nowhere.
    locations: tuple[str, ...] = ("Visualforce",)
    #: Any of HideShare, HideHeader.
    options: tuple[str, ...] = ()
    saml: str = "None"


@dataclass(slots=True)
class CanvasFaults:
    """In how many of the next signed requests something is wrong; each is counted down by itself."""

    #: Signed with a secret that is not the app's.
    wrong_secret: int = 0
    #: Says that it was issued a day ago.
    old: int = 0
    #: Ends in the middle.
    truncated: int = 0
    #: Names another organization, signed as it should be.
    other_org: int = 0

    def take(self) -> frozenset[str]:
        """Return what is wrong with the next signed request, and count it."""
        wrong = frozenset(name for name in FAULTS if getattr(self, name))
        for name in wrong:
            setattr(self, name, getattr(self, name) - 1)
        return wrong

    def clear(self) -> None:
        """End every fault."""
        for name in FAULTS:
            setattr(self, name, 0)


FAULTS = tuple(one.name for one in fields(CanvasFaults))


@dataclass(slots=True)
class Canvas:
    """What an org remembers about canvas apps beside its metadata."""

    #: Apps that the control API gave, by name; they hide deployed ones.
    given: dict[str, CanvasApp] = field(default_factory=dict)
    faults: CanvasFaults = field(default_factory=CanvasFaults)
