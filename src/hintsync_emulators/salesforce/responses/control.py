"""Routes of the control API that belong to a Salesforce org.

POST   /_control/tokens        {"token": "00D…!…"}: begin a session
DELETE /_control/tokens        end every session, the token of the start too
PUT    /_control/limits        {"daily": 100, "used": 99}: the next call but one answers REQUEST_LIMIT_EXCEEDED
PUT    /_control/storage       {"left": 0}: inserts answer STORAGE_LIMIT_EXCEEDED, and the limits tell it
GET    /_control/limits        and /storage, /locks, /rules, /features, /late: how each is now
PUT    /_control/locks/ID      {"times": 2}: two writes that need the row answer UNABLE_TO_LOCK_ROW; {} until released
DELETE /_control/locks/ID      release it; without ID: all
POST   /_control/rules         {"object": "Contact", "field": "Title", "value": "x", "message": "no"}
DELETE /_control/rules         forget validation rules and duplicate rules
PUT    /_control/features      {"MiddleName": true, "StateAndCountryPicklists": false}
POST   /_control/late          {"object": "Contact", "id": null, "values": {...}}: begin a write that shows later
POST   /_control/late/commit   let those writes show, stamped with their beginning

Those about apps, passwords and the life of sessions are in `auth_control`, those about sharing in `sharing_control`.
"""

from __future__ import annotations

from hintsync_emulators.control import ControlError, ControlRequest, ControlRoute
from hintsync_emulators.salesforce.dml.rules import DATA_STORAGE
from hintsync_emulators.salesforce.errors import Refused
from hintsync_emulators.salesforce.org import FEATURES, Org
from hintsync_emulators.salesforce.responses.auth_control import auth_routes
from hintsync_emulators.salesforce.responses.sharing_control import sharing_routes

_EXAMPLE_RULE = {"object": "Contact", "field": "Title", "value": "x", "message": "no"}
_EXAMPLE_LATE = {"object": "Contact", "values": {"LastName": "Moor"}}


class _Control:
    """Translates control requests into calls on the org."""

    def __init__(self, org: Org) -> None:
        self._org = org

    def tokens(self, request: ControlRequest) -> object:
        with self._org.guard:
            return {"token": self._org.issue_token()}

    def expire(self, request: ControlRequest) -> object:
        with self._org.guard:
            return {"expired": self._org.expire_tokens()}

    def show_limits(self, _: ControlRequest) -> object:
        with self._org.guard:
            return {"daily": self._org.limits.daily, "used": self._org.limits.used}

    def limits(self, request: ControlRequest) -> object:
        with self._org.guard:
            body = request.object()
            daily, used = body.get("daily", self._org.limits.daily), body.get("used", self._org.limits.used)
            if type(daily) is not int or type(used) is not int:
                raise ControlError(400, "daily and used must be whole numbers")
            self._org.set_daily_limit(daily, used)
            return {"daily": daily, "used": used}

    def show_storage(self, _: ControlRequest) -> object:
        with self._org.guard:
            return {"left": self._org.rules.storage_left}

    def storage(self, request: ControlRequest) -> object:
        left = request.object().get("left")
        if type(left) is not int or not 0 <= left <= DATA_STORAGE:
            raise ControlError(400, f"left must be a whole number of megabytes, {DATA_STORAGE} at most")
        with self._org.guard:
            self._org.rules.storage_left = left
        return {"left": left}

    def show_locks(self, _: ControlRequest) -> object:
        """Show the rows that are held: how many more writes each refuses, null until it is released."""
        with self._org.guard:
            return dict(self._org.rules.locks)

    def unlock_all(self, _: ControlRequest) -> None:
        with self._org.guard:
            self._org.rules.locks.clear()

    def lock(self, request: ControlRequest) -> None:
        times = request.object().get("times")
        if times is not None and type(times) is not int:
            raise ControlError(400, "times must be a whole number")
        with self._org.guard:
            self._org.lock(request.path["id"], times)

    def unlock(self, request: ControlRequest) -> None:
        with self._org.guard:
            self._org.unlock(request.path["id"])

    def show_rules(self, _: ControlRequest) -> object:
        with self._org.guard:
            rules = self._org.rules
            return {
                "validation": [
                    {"object": each.object, "field": each.field, "message": each.message} for each in rules.validation
                ],
                "duplicates": [{"object": each.object, "match_on": each.match_on} for each in rules.duplicates],
            }

    def rule(self, request: ControlRequest) -> None:
        """Add a validation rule that refuses records whose field holds a value."""
        body = request.object()
        wanted = {"object", "field", "value", "message"}
        if set(body) != wanted:
            raise ControlError(400, f"the body must have exactly the keys {', '.join(sorted(wanted))}")
        name, value = str(body["field"]), body["value"]
        with self._org.guard:
            self._known(str(body["object"]), name)
            self._org.add_validation_rule(
                str(body["object"]), lambda record: record.get(name) == value, str(body["message"]), name
            )

    def clear_rules(self, request: ControlRequest) -> None:
        with self._org.guard:
            self._org.rules.validation.clear()
            self._org.rules.duplicates.clear()

    def show_features(self, _: ControlRequest) -> object:
        with self._org.guard:
            return {name: name in self._org.schema.features for name in FEATURES}

    def features(self, request: ControlRequest) -> object:
        with self._org.guard:
            for name, on in request.object().items():
                if name not in FEATURES or not isinstance(on, bool):
                    raise ControlError(400, f"features are {', '.join(FEATURES)}, each true or false")
                self._org.enable(name, on)
            return self.show_features(request)

    def show_late(self, _: ControlRequest) -> object:
        with self._org.guard:
            return [
                {"object": each.object_name, "id": each.record_id, "values": each.values} for each in self._org.late
            ]

    def begin_late(self, request: ControlRequest) -> object:
        body = request.object()
        record, record_id = body.get("values"), body.get("id")
        if not isinstance(record, dict):
            raise ControlError(400, "values must be an object")
        with self._org.guard:
            self._known(str(body.get("object")))
            self._org.begin_late(str(body["object"]), None if record_id is None else str(record_id), record)
            return {"waiting": len(self._org.late)}

    def commit_late(self, request: ControlRequest) -> object:
        with self._org.guard:
            try:
                return {"ids": [late.commit() for late in list(self._org.late)]}
            except Refused as refusal:
                raise ControlError(400, f"{refusal.fault.code}: {refusal.fault.message}") from None

    def _known(self, name: str, field: str | None = None) -> None:
        one = self._org.schema.get(name)
        if one is None or (field is not None and one.get(field) is None):
            raise ControlError(400, f"the org has no {name}{f'.{field}' if field else ''}")


def control_routes(org: Org) -> list[ControlRoute]:
    """Return the routes below ``/_control`` that only a Salesforce org has."""
    control = _Control(org)
    return [
        ControlRoute("POST", "/tokens", control.tokens, "begin a session: answers its token"),
        ControlRoute("DELETE", "/tokens", control.expire, "end every session: calls answer INVALID_SESSION_ID"),
        ControlRoute("GET", "/limits", control.show_limits, "calls of the day"),
        ControlRoute("PUT", "/limits", control.limits, "calls of the day", {"daily": 100, "used": 99}),
        ControlRoute("GET", "/storage", control.show_storage, "megabytes of data storage that are left"),
        ControlRoute("PUT", "/storage", control.storage, "megabytes of data storage that are left", {"left": 0}),
        ControlRoute("GET", "/locks", control.show_locks, "rows that are held"),
        ControlRoute("DELETE", "/locks", control.unlock_all, "release all rows"),
        ControlRoute(
            "PUT", "/locks/{id}", control.lock, "hold a row so many times, or until it is released", {"times": 2}
        ),
        ControlRoute("DELETE", "/locks/{id}", control.unlock, "release a row"),
        ControlRoute("GET", "/rules", control.show_rules, "validation and duplicate rules"),
        ControlRoute("POST", "/rules", control.rule, "refuse a value", _EXAMPLE_RULE),
        ControlRoute("DELETE", "/rules", control.clear_rules, "forget validation and duplicate rules"),
        ControlRoute("GET", "/features", control.show_features, "features of the org, on or off"),
        ControlRoute("PUT", "/features", control.features, "switch features of the org", {"MiddleName": True}),
        ControlRoute("GET", "/late", control.show_late, "writes that were begun and do not show yet"),
        ControlRoute("POST", "/late", control.begin_late, "begin a write that shows later", _EXAMPLE_LATE),
        ControlRoute("POST", "/late/commit", control.commit_late, "let late writes show, stamped with their beginning"),
        *auth_routes(org),
        *sharing_routes(org),
    ]
