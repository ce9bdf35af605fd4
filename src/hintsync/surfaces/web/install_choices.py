"""What a person chooses before an installation, on the page inside the service and at the guided first start alike."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput
from hintsync.logins import CanvasApp, SalesforceLogin
from hintsync.replicas.salesforce.grants import profile_names
from hintsync.replicas.salesforce.layouts import layout_names
from hintsync.setup.installation import Grants, Tell, Wish, install_pages, look_at_org, open_org
from hintsync.setup.preflight.judging import Finding
from hintsync.setup.taking_over import keep_apart, reason_of
from hintsync.state.port import Connection
from hintsync.surfaces.installed import confirm_by_mail, done_lines, remarks
from hintsync.surfaces.web.installing import Outcome


@dataclass(frozen=True, slots=True)
class Choices:
    """What there is to choose from, and how the org was found."""

    findings: tuple[Finding, ...]
    #: Page layouts of contacts.
    layouts: tuple[str, ...]
    #: Profiles of active users.
    profiles: tuple[str, ...]


async def read_choices(service: Service, login: SalesforceLogin, installer: SalesforceLogin | None = None) -> Choices:
    """Look at an org, and list what there is to choose from; nothing is written.

    Args:
        service: the installation.
        login: of every day.
        installer: signs in for the installation only; the login of every day without it.

    Raises:
        HintsyncError: the credential is refused, or the org does not let us look.
    """
    findings = await look_at_org(service, login, installer=installer)
    async with open_org(service, installer or login) as client:
        return Choices(findings, tuple(await layout_names(client)), tuple(await profile_names(client)))


def wish_of(fields: Sequence[tuple[str, str]], public_url: str, installer: SalesforceLogin | None = None) -> Wish:
    """Return what a form asks for.

    Args:
        fields: as it was sent: `who` (admins or everybody), `profile` (any number), `where` (all or some), `layout`;
            `consumer_key` and `consumer_secret` where the org made its own for our app.
        public_url: where browsers reach the service.
        installer: signs in for this installation only.

    Raises:
        BadInput: it is not said where, layouts were to be chosen and none was, or a key came without its secret.
    """
    one = dict(fields)
    if one.get("where") not in ("all", "some"):
        raise BadInput("choose where the section and the buttons go")
    profiles = tuple(value for name, value in fields if name == "profile")
    layouts = tuple(value for name, value in fields if name == "layout") if one.get("where") == "some" else None
    if layouts == ():
        raise BadInput("choose at least one page layout, or all of them")
    grants = Grants(everybody=one.get("who") == "everybody", profiles=profiles)
    return Wish(public_url, grants, layouts, app=_copied_app(one), installer=installer)


def _copied_app(one: Mapping[str, str]) -> CanvasApp | None:
    """Return the key and secret that were copied from the org, if any were."""
    key, secret = one.get("consumer_key", "").strip(), one.get("consumer_secret", "").strip()
    if not key and not secret:
        return None
    if not all(text.isascii() and text.isprintable() and " " not in text for text in (key, secret)) or not (
        key and secret
    ):
        raise BadInput("copy both the Consumer Key and the Consumer Secret of Hint Sync, or leave both empty")
    return CanvasApp(key, secret)


async def install(service: Service, connection: Connection, wish: Wish, actor: str, tell: Tell) -> Outcome:
    """Install, tell by mail, and see that nothing runs beside another integration; the same as `hintsync install`."""
    installed = await install_pages(service, connection, wish, tell)
    tell("looking for another integration")
    other = await keep_apart(service, connection, actor)
    mailed = await confirm_by_mail(service, wish, installed)
    left = [*remarks(installed), *([f"{reason_of(other)}: see Safety stops"] if other else [])]
    return Outcome([*done_lines(wish, installed), *([mailed] if mailed else [])], left)
