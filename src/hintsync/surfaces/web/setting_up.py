"""The work of the guided first start: connects the org and installs, in an administrator's own session that ends with it."""

from __future__ import annotations

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput, FixConfiguration
from hintsync.engine.options import Options
from hintsync.logins import SalesforceLogin, WithClientCredentials
from hintsync.replicas.salesforce.grants import own_user
from hintsync.setup.connecting import connect_salesforce
from hintsync.setup.installation import Tell, Wish, open_org, prepare_org
from hintsync.setup.signing_keys import login_with_own_key, settle_first_key
from hintsync.state.port import Connection
from hintsync.surfaces.web.access.setup_session import SetupSession
from hintsync.surfaces.web.install_choices import install
from hintsync.surfaces.web.installing import Outcome


async def daily_login(service: Service, session: SetupSession) -> SalesforceLogin:
    """Return how hintsync is to sign in every day.

    Raises:
        BadInput: by a key of our own, and there is none.
    """
    if session.client_secret:
        return WithClientCredentials(session.origin, session.client_id, session.client_secret)
    return await login_with_own_key(service, session.name, session.origin, session.client_id, session.username)


async def check_daily_login(service: Service, login: SalesforceLogin) -> None:
    """Sign in as every day, so that nothing is installed for an app that cannot.

    Raises:
        FixConfiguration: the app does not let us in; says what to look at.
        RetryLater: the org does not answer.
    """
    try:
        async with open_org(service, login) as client:
            await own_user(client)
    except FixConfiguration as error:
        by_secret = isinstance(login, WithClientCredentials)
        flow = (
            "the Client Credentials Flow with a run-as user"
            if by_secret
            else "the JWT Bearer Flow with our certificate"
        )
        raise FixConfiguration(
            f"hintsync cannot sign in by itself yet ({error}). In Salesforce, External Client App Manager, see that the app has"
            f" {flow}, and that its policies let that user in. A new app may take some minutes."
        ) from None


async def begin_connection(service: Service, session: SetupSession, org_id: str) -> Connection:
    """Return the connection that is set up; a new one is stored, empty, so that there is a place for its progress.

    Raises:
        BadInput: its name belongs to a connection with another org.
    """
    known = await service.store.connection(session.name)
    if known is None:
        known = Connection(session.name, session.name, "", False, "", Options().to_json())
        await service.store.put_connection(known)
    elif known.org_id and known.org_id[:15] != org_id[:15]:
        raise BadInput(f"connection {session.name} joins another org; choose another name, or log in to that org")
    return known


async def set_up(service: Service, session: SetupSession, wish: Wish, tell: Tell) -> Outcome:
    """Deploy our fields, connect the org, install, and end the administrator's session; done again, it goes on.

    Raises:
        HintsyncError: something stands in the way; what was done stays.
    """
    daily = await daily_login(service, session)
    tell("deploying our fields")
    await prepare_org(service, daily, installer=session.installer)
    tell("connecting the org")
    connection = await connect_salesforce(service, session.name, login=daily)
    await settle_first_key(service, connection)
    outcome = await install(service, connection, wish, f"user:{session.user_id}", tell)
    tell("ending your session")
    async with open_org(service, session.installer) as client:
        await client.sessions.revoke()
    return outcome
