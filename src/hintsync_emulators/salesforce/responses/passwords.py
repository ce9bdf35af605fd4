"""A user's password: set, looked at, replaced by a new one."""

from __future__ import annotations

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.errors import ApiError, not_found
from hintsync_emulators.salesforce.web.call import Answer, Call

#: Fewest characters of a password.
_LEAST = 8


def expired(call: Call) -> Answer:
    """Say whether the password must be changed; here none ever must."""
    _username(call)
    return Answer(value={"isExpired": False})


def change(call: Call) -> Answer:
    """Set the password that the caller chose."""
    username, chosen = _username(call), call.object().get("NewPassword")
    if not isinstance(chosen, str) or len(chosen) < _LEAST:
        raise ApiError(400, "INVALID_NEW_PASSWORD", f"Your password must be at least {_LEAST} characters long.")
    call.org.auth.passwords[username] = chosen
    return Answer(204)


def reset(call: Call) -> Answer:
    """Set a new password and return it."""
    username, made = _username(call), call.org.auth.random(12)
    call.org.auth.passwords[username] = made
    return Answer(value={"NewPassword": made})


def _username(call: Call) -> str:
    user_id = ids.normalise(call.names["id"])
    found = call.org.storage.fetch("User", [user_id]) if user_id else {}
    if user_id not in found:
        raise not_found()
    return str(found[user_id]["Username"])
