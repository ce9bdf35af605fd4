"""Where an org's change events are to be had; apart from what speaks gRPC, which takes a while to load."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from hintsync.core.errors import FixConfiguration
from hintsync.core.values import Side
from hintsync.replicas.salesforce.auth import Session

#: Salesforce's own address; it serves every org but those of the government cloud.
SALESFORCE: Final = "api.pubsub.salesforce.com:7443"
#: Hosts whose tokens may be shown to that address.
_SALESFORCE_HOSTS: Final = (".salesforce.com", ".force.com")


@dataclass(frozen=True, slots=True)
class EventsAddress:
    """Where change events are to be had."""

    #: `host:port`; empty: Salesforce's own, for orgs of Salesforce's own hosts.
    host: str = ""
    #: Certificate authorities to believe, as PEM; None: those of the system.
    authorities: bytes | None = field(default=None, repr=False)

    def serving(self, session: Session) -> str:
        """Return the address that serves an org.

        Raises:
            FixConfiguration: it is not known; a token is never shown to Salesforce that is not Salesforce's.
        """
        host = session.instance_url.removeprefix("https://").partition("/")[0].partition(":")[0]
        if self.host:
            return self.host
        if session.instance_url.startswith("https://") and host.endswith(_SALESFORCE_HOSTS):
            return SALESFORCE
        raise FixConfiguration(
            f"{Side.SALESFORCE}: {host} is no host of Salesforce's: set salesforce_events to where its change events are"
        )
