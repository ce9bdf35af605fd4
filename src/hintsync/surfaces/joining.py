"""Connects Hint by an authorization code, and names the Default Account: the steps of the article, in an order that loses nothing.

A code is good for one exchange. So everything that may fail or must be asked comes before it; what was exchanged is
kept at once; and the account, which can be named again at any time, is made last.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from hintsync.bootstrap import Service, open_accounts, open_connector, open_partner
from hintsync.core.errors import AskPerson, BadInput, FixConfiguration, HintsyncError, UnknownOutcome
from hintsync.core.values import Side
from hintsync.engine.choosing import choices_of, choose
from hintsync.engine.guards.stops import Desk
from hintsync.engine.options import Options
from hintsync.replicas.hint.connect import PracticeToken, Routes
from hintsync.replicas.salesforce.accounts import Account, Accounts
from hintsync.setup.connecting import another_practice, connect_hint
from hintsync.state.port import AuditEvent, Commit, Connection, Json, LogEntry, LogLevel

#: Fact of a connection: id and status of the integration in Hint, as the latest exchange of a code told them.
INTEGRATION_FACT = "hint_integration"
#: Fact of a connection: which forms of the partner routes Hint answered when the code was exchanged.
ROUTES_FACT = "hint_routes"
#: Longest name that an account takes.
_LONGEST = 255
#: What Hint calls an integration whose webhooks flow.
ACTIVE = frozenset({"active", "connected"})


class NotTaken(BadInput):
    """One of the two inputs cannot be used."""

    def __init__(self, place: str, text: str) -> None:
        """Name the input, `code` or `account`, and say what was expected."""
        super().__init__(text)
        self.place = place


class SeveralAccounts(AskPerson):
    """Several accounts have the name: a person must choose one. Nothing was done yet."""

    def __init__(self, accounts: Sequence[Account]) -> None:
        """Take the accounts to choose from."""
        super().__init__(f"{len(accounts)} accounts have this name")
        self.accounts = tuple(accounts)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What an administrator entered."""

    #: Authorization code; empty: Hint stays as it is.
    code: str = ""
    #: Name of the Default Account; empty: it stays as it is.
    account: str = ""
    #: Chosen among several of the name.
    account_id: str = ""


async def join(service: Service, connection: Connection, wanted: Wanted, actor: str) -> Connection:
    """Connect Hint and set the Default Account, as far as either was entered; return the connection as it is then.

    Args:
        service: The installation.
        connection: With its org connected.
        wanted: What was entered.
        actor: Who, for the audit trail.

    Raises:
        NotTaken: the code or the name cannot be used; nothing that came before is lost.
        SeveralAccounts: the name is not enough; nothing was done.
        FixConfiguration: the partner key is missing or refused, or Salesforce is not connected.
        RetryLater: a system does not answer.
    """
    async with open_accounts(service, connection) as accounts:
        found = await _found(accounts, wanted) if wanted.account else None
        if wanted.code:
            connection = await _connect(service, connection, wanted.code, actor)
        if wanted.account:
            account = found or await _made(accounts, wanted.account)
            desk = Desk(connection, service.store, service.clock, actor)
            now = choices_of(Options.from_json(connection.settings))
            connection = (await choose(desk, now, {**now, "default_account_id": account.id})).connection
    return connection


async def activate(service: Service, connection: Connection, actor: str) -> str:
    """Let Hint's webhooks flow for a connection that waits for us; return the status that Hint shows then.

    Raises:
        BadInput: Hint knows no integration of the practice with this partner account.
        FixConfiguration: Hint does not let us, as while the practice has to finish its set-up.
    """
    integration = await open_partner(service).integration_of(connection.practice_id)
    if integration is None:
        raise BadInput("Hint knows no integration of this practice with our partner account; connect it again")
    status = await open_connector(service).activate(integration.id)
    await _tell(Desk(connection, service.store, service.clock, actor), f"{integration.id} is {status}")
    return status


async def _found(accounts: Accounts, wanted: Wanted) -> Account | None:
    """Return the account that is meant; None if there is none of the name yet.

    Raises:
        NotTaken: no account can have the name, or the chosen one has not.
        SeveralAccounts: as it says.
    """
    if len(wanted.account) > _LONGEST or not wanted.account.isprintable():
        raise NotTaken("account", f"Expected a name of at most {_LONGEST} characters, in one line.")
    found = await accounts.find(wanted.account)
    if wanted.account_id:
        chosen = [account for account in found if account.id == wanted.account_id]
        if not chosen:
            raise NotTaken("account", "The chosen account is gone, or has another name by now. Enter the name again.")
        return chosen[0]
    if len(found) > 1:
        raise SeveralAccounts(found)
    return found[0] if found else None


async def _made(accounts: Accounts, name: str) -> Account:
    try:
        return await accounts.create(name)
    except UnknownOutcome:
        found = await accounts.find(name)
        if len(found) == 1:
            return found[0]
        raise NotTaken("account", "Salesforce’s answer was lost. Look for the account there, and save again.") from None
    except FixConfiguration as error:
        told = f"Salesforce does not let us create this account ({error}). Create it there, and enter its name again."
        raise NotTaken("account", told) from None


async def _connect(service: Service, connection: Connection, code: str, actor: str) -> Connection:
    routes = await _answering_routes(service)
    token = await _exchanged(service, code)
    if connection.practice_id not in ("", token.practice_id):
        raise NotTaken("code", f"{another_practice(token.practice_id, connection.practice_id)}. The code is used up.")
    integration = {"id": token.integration_id, "status": token.status}
    try:
        facts: dict[str, Json] = {INTEGRATION_FACT: {**integration}, ROUTES_FACT: [*routes]}
        made = await connect_hint(service, connection.id, token.token, facts)
    except HintsyncError as error:
        raise NotTaken(
            "code", f"The code was exchanged, then: {error}. Make a new code in Hint and try again."
        ) from None
    renewed = "connected again" if connection.practice_id else "connected"
    desk = Desk(made, service.store, service.clock, actor)
    await _tell(desk, f"practice {made.practice_id} {renewed}; {token.integration_id} is {token.status}")
    return made


async def _answering_routes(service: Service) -> list[str]:
    """Return the forms of the partner routes that Hint answers, after a look whether ours is among them.

    A code sent to routes that are not there is rejected like one that is wrong, and the person would make a new one in vain.

    Raises:
        FixConfiguration: ours is not; the code was not sent.
    """
    answering = await open_partner(service).answering_routes()
    wanted = service.settings.hint_routes
    if Routes(wanted) not in answering:
        others = " or ".join(sorted(answering))
        remedy = f"set HINTSYNC_HINT_ROUTES={others}" if others else "check HINTSYNC_HINT_URL"
        raise FixConfiguration(f"hint: this partner account has no {wanted} routes; {remedy}. The code was not used")
    return sorted(answering)


async def _exchanged(service: Service, code: str) -> PracticeToken:
    try:
        return await open_connector(service).connect(code, activate=True)
    except BadInput:
        raise NotTaken(
            "code", "Hint does not take this code: it is wrong, or was used. Make a new one in Hint."
        ) from None
    except UnknownOutcome:
        raise NotTaken("code", "Hint’s answer was lost, and the code may be used up. Make a new one in Hint.") from None


async def _tell(desk: Desk, reason: str) -> None:
    entry = LogEntry(
        desk.connection.id, desk.now(), LogLevel.DEBUG, "hint-connected", f"{desk.actor} connected Hint: {reason}"
    )
    audit = AuditEvent(
        connection_id=desk.connection.id,
        chain="connection",
        at=desk.now(),
        actor=desk.actor,
        action="connected",
        side=Side.HINT,
        reason=reason,
    )
    await desk.store.commit(Commit(audits=[audit], logs=[entry]))
