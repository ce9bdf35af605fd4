"""Installs hintsync's own pages in a connected org, so that people can work with it there; done again, it changes nothing.

The app's key and secret are made here, stored, and only then deployed: whatever breaks off in between, the next run deploys
the same. An org that does not take them makes its own, which an administrator copies from Setup; what was copied is stored
once the org is seen to know our app by it, and a key that it does not know is not kept.
"""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

import httpx

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.doctor.known import Unknown
from hintsync.logins import (
    CANVAS_APP,
    SALESFORCE_LOGIN,
    CanvasApp,
    SalesforceLogin,
    pack_canvas_app,
    unpack_canvas_app,
    unpack_login,
)
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.grants import (
    administrators,
    everybody,
    grant,
    grant_permissions,
    own_email,
    own_user,
    users_named,
    users_of_profile,
)
from hintsync.replicas.salesforce.layouts import Edited, add_to_pages, check_layout_names
from hintsync.replicas.salesforce.metadata import Deployed, deploy_all
from hintsync.replicas.salesforce.metadata_soap import retrieve
from hintsync.replicas.salesforce.packages import Place
from hintsync.replicas.salesforce.page_names import ADMIN_SET, APP, BATCH_REPORT, USER_SET
from hintsync.replicas.salesforce.xml_splice import read_xml
from hintsync.replicas.wire import transport_without_proxy
from hintsync.settings import check_public_url
from hintsync.setup.preflight.facts import OrgFacts, gather
from hintsync.setup.preflight.judging import Finding, judge, refuse
from hintsync.state.port import Connection, Json

#: Fact of a connection: where its pages in the org lead, and the id of the report of batch results.
PAGES_FACT = "pages"
#: How keys begin that we made; Salesforce's own begin otherwise.
_OUR_KEY = "hintsync"
_OAUTH_FILE = f"{APP}_glbloauth"

Tell = Callable[[str], None]
#: Shown what was found of the org before anything is done.
Show = Callable[[tuple[Finding, ...]], None]


@dataclass(frozen=True, slots=True)
class Grants:
    """Who gets to work with hintsync in the org. What somebody has already is never taken away here."""

    #: Users who may change all data by their profile are administrators of hintsync.
    administrators: bool = True
    #: Every user of the org is its front desk.
    everybody: bool = False
    #: Users of these profiles are its front desk.
    profiles: tuple[str, ...] = ()
    #: User names, by permission set.
    users: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Wish:
    """What is to be installed."""

    #: Address under which people's browsers reach the service.
    public_url: str
    grants: Grants = field(default_factory=Grants)
    #: Page layouts of the contact that get our section and buttons; None: all of them.
    layouts: tuple[str, ...] | None = None
    #: Key and secret that an administrator copied from the org; None: the stored ones, or new ones of ours.
    app: CanvasApp | None = None
    #: Let the org make key and secret.
    org_makes_key: bool = False
    #: Let Salesforce validate everything, and change nothing.
    check_only: bool = False
    #: Signs in for this installation only, such as an administrator; None: the login of every day.
    installer: SalesforceLogin | None = None


@dataclass(frozen=True, slots=True)
class Installed:
    """What was done."""

    deployed: Deployed
    #: Permission set -> users who did not have it before.
    granted: Mapping[str, int]
    #: None: not looked at, because the pages to be shown are not in the org yet.
    layouts: Edited | None
    #: Key and secret are still to be copied from the org.
    key_missing: bool
    #: What the org was seen to be before.
    findings: tuple[Finding, ...] = ()
    #: E-mail address, in Salesforce, of the user who installed.
    told_to: str = ""


def new_canvas_app() -> CanvasApp:
    """Return a key and a secret of our own: letters and digits, as Salesforce asks for."""
    return CanvasApp(_OUR_KEY + secrets.token_hex(32), secrets.token_hex(32))


async def prepare_org(
    service: Service,
    login: SalesforceLogin,
    *,
    check_only: bool = False,
    installer: SalesforceLogin | None = None,
) -> Deployed:
    """Deploy our fields into an org and let the user that hintsync works as see them; doing so again changes nothing.

    Args:
        service: the installation.
        login: of every day.
        check_only: let Salesforce validate it and change nothing.
        installer: signs in for this only, such as an administrator; the login of every day without it.

    Raises:
        FixConfiguration: the org refuses a component; the message names it.
    """
    async with open_org(service, installer or login) as client:
        deployed = await deploy_all(client, service.clock, check_only=check_only)
        if not check_only:
            async with open_org(service, login) as daily:
                await grant_permissions(client, await own_user(daily))
    return deployed


async def look_at_org(
    service: Service, login: SalesforceLogin, *, installer: SalesforceLogin | None = None
) -> tuple[Finding, ...]:
    """Look at an org before anything is put into it; nothing is written.

    Args:
        service: the installation.
        login: of every day.
        installer: signs in for the installation only; the login of every day without it.

    Raises:
        ReconnectNeeded: the credential is refused.
    """
    async with open_org(service, installer or login) as client, open_org(service, login) as daily:
        await client.sessions.session()
        return judge(await gather(client, daily if installer else None))


async def install_pages(
    service: Service,
    connection: Connection,
    wish: Wish,
    tell: Tell = lambda line: None,
    show: Show = lambda findings: None,
) -> Installed:
    """Deploy everything into the org of a connection, let people use it, and put it on the contact's pages.

    Args:
        service: keeps the app's key and secret, encrypted.
        connection: whose org.
        wish: what and for whom.
        tell: called with a line before each step.
        show: called with what was found of the org, before anything is done.

    Raises:
        BadInput: an address, a profile, a user or a layout that is none; nothing was done.
        FixConfiguration: the org is not ready, refuses something, or has another key for our app than we; says what to do.
    """
    public_url, login = _checked(wish.public_url), await _login(service, connection)
    async with open_org(service, wish.installer or login) as client, open_org(service, login) as daily:
        tell("looking at the org")
        facts = await gather(client, daily if wish.installer else None)
        findings = judge(facts)
        show(findings)
        refuse(findings)
        _check_pinned(connection, facts)
        users = await _users(client, wish.grants)
        await check_layout_names(client, wish.layouts or ())
        app = await _app(service, connection, wish)
        tell(f"deploying fields, pages and buttons, which lead to {public_url}")
        email = await own_email(client)
        place = _place(public_url, email, app)
        deployed = await deploy_all(client, service.clock, place=place, check_only=wish.check_only)
        if wish.check_only:
            return replace(await _checked_only(client, service, wish, deployed, app), findings=findings)
        if app is not None:
            await _settle_key(client, service, connection, app)
        tell("granting permission sets")
        await grant_permissions(client, await own_user(daily) if wish.installer else "")
        granted = {name: await grant(client, name, ids) for name, ids in users.items()}
        tell("putting our section and buttons on the contact's pages")
        layouts = await add_to_pages(client, service.clock, layouts=wish.layouts)
    await _remember(service, connection, public_url, deployed)
    return Installed(deployed, granted, layouts, app is None, findings, email)


@asynccontextmanager
async def open_org(service: Service, login: SalesforceLogin) -> AsyncIterator[SalesforceClient]:
    """Sign in to an org for the length of a with block."""
    transport = service.transports.salesforce or transport_without_proxy(service.settings.salesforce_concurrency)
    http = httpx.AsyncClient(transport=transport, timeout=service.settings.http_timeout)
    client = SalesforceClient(http, login.grant(service.clock), service.clock)
    try:
        yield client
    finally:
        await client.aclose()


def _checked(public_url: str) -> str:
    try:
        return check_public_url(public_url)
    except ValueError as error:
        raise BadInput(str(error)) from None


def _check_pinned(connection: Connection, facts: OrgFacts) -> None:
    """See that whoever installs is in the org that the connection is pinned to (guard G1)."""
    seen = None if isinstance(facts.edition, Unknown) else facts.edition
    if seen is not None and connection.org_id and seen.org_id[:15] != connection.org_id[:15]:
        raise FixConfiguration(f"G1: this is org {seen.org_id}, pinned is {connection.org_id}; nothing was changed")


async def _login(service: Service, connection: Connection) -> SalesforceLogin:
    stored = await service.store.secret(connection.id, SALESFORCE_LOGIN)
    if stored is None:
        raise FixConfiguration(f"connection {connection.name}: Salesforce is not connected; run the connect step again")
    return unpack_login(stored)


async def _app(service: Service, connection: Connection, wish: Wish) -> CanvasApp | None:
    """Return the key and secret to go by, ours kept before anybody else hears of them; None: the org makes them."""
    stored = await service.store.secret(connection.id, CANVAS_APP)
    if wish.org_makes_key and wish.app is None:
        return None
    app = wish.app or (unpack_canvas_app(stored) if stored else new_canvas_app())
    if wish.app is None and not wish.check_only:
        await service.store.put_secret(connection.id, CANVAS_APP, pack_canvas_app(app))
    return app


def _place(public_url: str, email: str, app: CanvasApp | None) -> Place:
    """Say what the pages must be told; a key that the org made is the org's to keep."""
    if app is None or not app.consumer_key.startswith(_OUR_KEY):
        return Place(public_url, email)
    return Place(public_url, email, app.consumer_key, app.consumer_secret)


async def _settle_key(client: SalesforceClient, service: Service, connection: Connection, app: CanvasApp) -> None:
    """Keep the key if the org knows our app by it; forget it if not, for nobody could come in by it."""
    files = await retrieve(client, service.clock, {"ExtlClntAppGlobalOauthSettings": [_OAUTH_FILE]})
    [xml] = [raw for name, raw in files.items() if _OAUTH_FILE in name]
    known, packed = read_xml(xml).value("consumerKey"), pack_canvas_app(app)
    if not known or known == app.consumer_key:
        return await service.store.put_secret(connection.id, CANVAS_APP, packed)
    if await service.store.secret(connection.id, CANVAS_APP) == packed:
        await service.store.put_secret(connection.id, CANVAS_APP, b"")
    raise FixConfiguration(
        f"salesforce: the org has another key for the app {APP}, which ends in {known[-6:]}; copy key and secret from"
        " Setup, External Client App Manager, Hint Sync, and install again with them: on the page that installs, below"
        " “The org made its own key for our app”, or by hintsync install --consumer-key KEY --consumer-secret-file FILE"
    )


async def _users(client: SalesforceClient, grants: Grants) -> dict[str, set[str]]:
    """Return the ids of those who get a permission set, by its name; administrators need not be the front desk as well."""
    admins = set(await administrators(client)) if grants.administrators else set()
    desk = set(await everybody(client)) if grants.everybody else set()
    for profile in grants.profiles:
        desk |= set(await users_of_profile(client, profile))
    by_set = {ADMIN_SET: admins, USER_SET: desk - admins}
    for name, users in grants.users.items():
        by_set[name] = by_set.get(name, set()) | set(await users_named(client, users))
    return {name: users for name, users in by_set.items() if users}


async def _checked_only(
    client: SalesforceClient, service: Service, wish: Wish, deployed: Deployed, app: CanvasApp | None
) -> Installed:
    """Check the pages' places too, unless what they are to show is not in the org yet."""
    layouts = None
    if not deployed.created:
        layouts = await add_to_pages(client, service.clock, layouts=wish.layouts, check_only=True)
    return Installed(deployed, {}, layouts, app is None)


async def _remember(service: Service, connection: Connection, public_url: str, deployed: Deployed) -> None:
    stored = await service.store.connection(connection.id) or connection  # others may have learned something meanwhile
    fact: dict[str, Json] = {"public_url": public_url, "report_id": deployed.ids.get(("Report", BATCH_REPORT), "")}
    await service.store.put_connection(replace(stored, facts={**stored.facts, PAGES_FACT: fact}))
