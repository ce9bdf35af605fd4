"""Routes of the control API about whose records are whose.

GET    /_control/sharing         sharing settings by object; an object that is missing is open to everybody
PUT    /_control/sharing         {"Contact": "private"}: private, read or edit, for those who do not own a record
"""

from __future__ import annotations

from hintsync_emulators.control import ControlError, ControlRequest, ControlRoute
from hintsync_emulators.salesforce.org import Org
from hintsync_emulators.salesforce.sharing import SETTINGS


class _SharingControl:
    """Translates control requests into sharing settings."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def show(self, _: ControlRequest) -> object:
        with self._org.guard:
            return {"Contact": "edit", **self._org.sharing}

    def put(self, request: ControlRequest) -> object:
        body = request.object()
        with self._org.guard:
            for name, setting in body.items():
                one = self._org.schema.get(name)
                if one is None or one.get("OwnerId") is None or setting not in SETTINGS:
                    raise ControlError(400, f"the body maps objects that have owners to one of {', '.join(SETTINGS)}")
            self._org.sharing.update({name: str(setting) for name, setting in body.items()})
            return self.show(request)


def sharing_routes(org: Org) -> list[ControlRoute]:
    """Return the routes below ``/_control`` about sharing."""
    control = _SharingControl(org)
    says = "what those may do with records who do not own them: private, read or edit"
    return [
        ControlRoute("GET", "/sharing", control.show, "sharing settings by object"),
        ControlRoute("PUT", "/sharing", control.put, says, {"Contact": "private"}),
    ]
