"""Logging in: whoever opens the emulator chooses which of the org's active users to be."""

from __future__ import annotations

from urllib.parse import urlsplit

from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.home import HOME
from hintsync_emulators.salesforce.pages.visitors import dropped, kept
from hintsync_emulators.salesforce.web.call import Answer

_USERS = """
    SELECT u.Id, u.Name, u.Username, p.Name, (
        SELECT group_concat(s.Label, ', ') FROM PermissionSetAssignment a
        JOIN PermissionSet s ON s.Id = a.PermissionSetId WHERE a.AssigneeId = u.Id AND s.IsOwnedByProfile = 0)
    FROM "User" u LEFT JOIN Profile p ON p.Id = u.ProfileId WHERE u.IsActive = 1 ORDER BY u.Id = ?, u._row
"""


def ask(click: Click) -> Answer:
    """Show the users to choose from, last the one whom programs sign in as: what that one writes may pass for a program's."""
    return _page(click)


def _page(click: Click, problem: str = "", status: int = 200) -> Answer:
    names = ("id", "name", "username", "profile", "sets")
    users = [dict(zip(names, row, strict=True)) for row in click.org.storage.rows(_USERS, (click.org.user_id,))]
    start = click.params.get("startURL") or click.form.get("startURL")
    return frame.show(
        click,
        "login.html",
        status=status,
        title="Log In",
        users=users,
        start=start,
        problem=problem,
        integration=click.org.user_id,
    )


def enter(click: Click) -> Answer:
    """Log the chosen user in and lead to where they wanted to go."""
    found = click.org.storage.ids_where("User", "Username", click.form.get("username"), live_only=False)
    if not found or not click.org.raw("User", found[0])["IsActive"]:
        return _page(click, "Choose one of these users.", 400)
    click.org.visitors.leave(click.call)
    token, _ = click.org.visitors.sit(found[0])
    return frame.moved(local(click.form.get("startURL")), **{"Set-Cookie": kept(click.call, token)})


def leave(click: Click) -> Answer:
    """Log out."""
    click.org.visitors.leave(click.call)
    return frame.moved("/login", **{"Set-Cookie": dropped(click.call)})


def local(address: str) -> str:
    """Return an address if it lies on this org, else that of the first page."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return HOME
    ours = address.startswith("/") and not address.startswith(("//", "/\\")) and not parts.netloc
    return address if ours and address.isprintable() and address.isascii() else HOME
