"""Three invented people who work in the emulated org, each with other rights to hintsync, and our pages there for them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from hintsync.demo.stage import CONNECTION, Stage
from hintsync.replicas.salesforce.page_names import ADMIN_SET, USER_SET
from hintsync.setup.installation import Grants, Installed, Wish, install_pages

#: Administers hintsync; is its front desk; has nothing to do with it.
ADA: Final = "ada.marlow@clinic.example"
FINN: Final = "finn.tolliver@clinic.example"
NELL: Final = "nell.ostrander@clinic.example"

_ADMINISTRATORS, _STAFF = "System Administrator", "Standard User"
_PEOPLE: Final = (
    (ADA, "Ada", "Marlow", _ADMINISTRATORS),
    (FINN, "Finn", "Tolliver", _STAFF),
    (NELL, "Nell", "Ostrander", _STAFF),
)


async def hire(stage: Stage) -> int:
    """Put the three into the org as its administrator would, unless they are there; return how many came."""
    org = stage.wires.org
    known = {row["Username"] for row in await org.query("SELECT Username FROM User")}
    profiles = {row["Name"]: row["Id"] for row in await org.query("SELECT Id, Name FROM Profile")}
    new = [each for each in _PEOPLE if each[0] not in known]
    for username, first, last, profile in new:
        await org.create("User", _user(username, first, last, profiles[profile]))
    return len(new)


async def install_for_staff(stage: Stage) -> Installed:
    """Install our pages in the org, for Ada and Finn; they lead to the address at which the demo serves."""
    connection = await stage.service.connection(CONNECTION)
    grants = Grants(administrators=False, users={ADMIN_SET: (ADA,), USER_SET: (FINN,)})
    return await install_pages(stage.service, connection, Wish(stage.public_url, grants))


def _user(username: str, first: str, last: str, profile_id: str) -> Mapping[str, object]:
    return {
        "Username": username,
        "FirstName": first,
        "LastName": last,
        "Email": username,
        "Alias": last[:8].lower(),
        "ProfileId": profile_id,
        "TimeZoneSidKey": "America/New_York",
        "LocaleSidKey": "en_US",
        "LanguageLocaleKey": "en_US",
        "EmailEncodingKey": "UTF-8",
    }
