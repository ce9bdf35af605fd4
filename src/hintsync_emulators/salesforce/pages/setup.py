"""Setup, for administrators: who may do what, what was deployed, which apps may sign in."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from hintsync_emulators.salesforce import ids
from hintsync_emulators.salesforce.auth import App
from hintsync_emulators.salesforce.canvas.apps import every
from hintsync_emulators.salesforce.clock import format_datetime
from hintsync_emulators.salesforce.errors import ApiError, Refused, not_found
from hintsync_emulators.salesforce.metadata.apps import client_of
from hintsync_emulators.salesforce.metadata.xml import parse
from hintsync_emulators.salesforce.pages import frame
from hintsync_emulators.salesforce.pages.click import Click
from hintsync_emulators.salesforce.pages.shown import moment
from hintsync_emulators.salesforce.storage import Row
from hintsync_emulators.salesforce.web.call import Answer

HOME = "/lightning/setup/SetupOneHome/home"
USERS = "/lightning/setup/ManageUsers/home"
_USERS = """
    SELECT u.Id, u.Name, u.Username, p.Name, u.IsActive, (
        SELECT group_concat(s.Label, ', ') FROM PermissionSetAssignment a
        JOIN PermissionSet s ON s.Id = a.PermissionSetId WHERE a.AssigneeId = u.Id AND s.IsOwnedByProfile = 0)
    FROM "User" u LEFT JOIN Profile p ON p.Id = u.ProfileId ORDER BY u._row
"""
_SETS = """
    SELECT s.Id, s.Label, s.Name, s.Description, (
        SELECT group_concat(u.Name, ', ') FROM PermissionSetAssignment a JOIN "User" u ON u.Id = a.AssigneeId
        WHERE a.PermissionSetId = s.Id)
    FROM PermissionSet s WHERE s.IsOwnedByProfile = 0 ORDER BY s.Label
"""
_ASSIGNED = """
    SELECT a.Id, s.Id, s.Label, s.Name FROM PermissionSetAssignment a
    JOIN PermissionSet s ON s.Id = a.PermissionSetId WHERE a.AssigneeId = ? AND s.IsOwnedByProfile = 0 ORDER BY s.Label
"""


@dataclass(frozen=True, slots=True)
class Registered:
    """A client that may ask for tokens, as setup shows it."""

    label: str
    name: str
    client: App | None
    #: Address of its canvas app, if it is one, and where that is offered.
    canvas: str = ""
    locations: str = ""
    #: Which users it is open to.
    permitted: str = ""


def home(click: Click) -> Answer:
    """Show what there is in setup."""
    _check(click)
    return frame.show(click, "setup.html", title="Setup")


def users(click: Click) -> Answer:
    """List the users with what is granted to them."""
    _check(click)
    return frame.show(click, "users.html", title="Users", users=click.org.storage.rows(_USERS))


def user(click: Click) -> Answer:
    """Show a user and the permission sets that can be assigned."""
    _check(click)
    return _user_page(click, _user(click))


def _user_page(click: Click, row: Row, problem: str = "", status: int = 200) -> Answer:
    assigned = click.org.storage.rows(_ASSIGNED, (row["Id"],))
    taken = {each[1] for each in assigned}
    free = [each for each in click.org.storage.rows(_SETS) if each[0] not in taken]
    profile = click.org.storage.fetch("Profile", [str(row["ProfileId"])]).get(str(row["ProfileId"]))
    return frame.show(
        click,
        "user.html",
        status=status,
        title=str(row["Name"]),
        user=row,
        profile=profile["Name"] if profile else "none",
        assigned=assigned,
        free=free,
        problem=problem,
        base=f"/lightning/setup/ManageUsers/{row['Id']}",
    )


def assign(click: Click) -> Answer:
    """Assign a permission set to a user."""
    _check(click)
    row = _user(click)
    given = {"AssigneeId": row["Id"], "PermissionSetId": click.form.get("permissionSet")}
    try:
        with click.org.storage.transaction():
            click.org.writer.insert(click.org.definition("PermissionSetAssignment"), given, click.caller())
    except Refused as refusal:
        return _user_page(click, row, refusal.fault.message, 400)
    return frame.moved(f"/lightning/setup/ManageUsers/{row['Id']}/view")


def unassign(click: Click) -> Answer:
    """Take a permission set away from a user."""
    _check(click)
    row = _user(click)
    assignment_id = ids.normalise(click.form.get("assignment")) or ""
    found = click.org.storage.fetch("PermissionSetAssignment", [assignment_id]).get(assignment_id)
    if found is None or found["AssigneeId"] != row["Id"]:
        return _user_page(click, row, "That permission set is not assigned any more.", 400)
    with click.org.storage.transaction():
        click.org.writer.delete(click.org.definition("PermissionSetAssignment"), found, click.caller())
    return frame.moved(f"/lightning/setup/ManageUsers/{row['Id']}/view")


def permission_sets(click: Click) -> Answer:
    """List the permission sets with who has them."""
    _check(click)
    return frame.show(click, "permission_sets.html", title="Permission Sets", sets=click.org.storage.rows(_SETS))


def components(click: Click) -> Answer:
    """List what was deployed, and what came with the org."""
    _check(click)
    names = {str(each[0]): str(each[1]) for each in click.org.storage.rows('SELECT Id, Name FROM "User"')}
    found = [
        (one.kind, one.name, moment(format_datetime(one.modified), click.person), names.get(one.modified_by, ""))
        for one in click.org.components.everything()
    ]
    return frame.show(click, "components.html", title="Deployed Components", components=found)


def apps(click: Click) -> Answer:
    """List the clients that may ask for tokens: external client apps, and those that the control API gave."""
    _check(click)
    return frame.show(click, "apps.html", title="External Client Apps", apps=list(_apps(click)))


def _apps(click: Click) -> Iterator[Registered]:
    canvas = {one.name: one for one in every(click.org)}
    known = set()
    for name in click.org.components.names("ExternalClientApplication"):
        component, client = click.org.components.get("ExternalClientApplication", name), client_of(click.org, name)
        label = parse(component.xml).value("label") if component is not None else None
        known.add(client.client_id if client is not None else "")
        shown = canvas.get(name)
        yield Registered(
            label=label or name,
            name=name,
            client=client,
            canvas=(shown.url or "") if shown is not None else "",
            locations=", ".join(shown.locations) if shown is not None else "",
            permitted=_permitted(client),
        )
    for client_id, client in sorted(click.org.auth.apps.items()):
        if client_id not in known:
            yield Registered(client_id, "without a deployment", client, permitted=_permitted(client))


def _permitted(client: App | None) -> str:
    if client is None or client.approved is None:
        return "all users"
    return ", ".join(sorted(client.approved)) or "nobody yet"


def _user(click: Click) -> Row:
    user_id = ids.normalise(click.names["id"]) or ""
    found = click.org.storage.fetch("User", [user_id]).get(user_id)
    if found is None:
        raise not_found("There is no such user.")
    return found


def _check(click: Click) -> None:
    """Let administrators alone pass.

    Raises:
        ApiError: INSUFFICIENT_ACCESS.
    """
    if not click.person.rights.is_admin:
        raise ApiError(403, "INSUFFICIENT_ACCESS", "Setup is for users with the profile System Administrator.")
