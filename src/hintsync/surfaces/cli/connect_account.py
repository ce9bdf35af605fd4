"""The Default Account, as `hintsync connect` asks for it, and the step that needs it: Hint's code is exchanged once it is known."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import typer

from hintsync.bootstrap import Service
from hintsync.core.errors import AskPerson, BadInput
from hintsync.engine.options import Options
from hintsync.replicas.salesforce.accounts import Account
from hintsync.state.port import Connection
from hintsync.surfaces.cli.perform import ACTOR
from hintsync.surfaces.joining import SeveralAccounts, Wanted, join


def asked_account(connection: Connection) -> str:
    """Ask for the name of the Default Account, unless there is one; empty: not now."""
    if Options.from_json(connection.settings).default_account_id is not None:
        return ""
    typer.echo("Contacts that are created from Hint patients belong to an account, the Default Account.", err=True)
    return str(typer.prompt("Its name (made if there is none; empty: later)", default="", show_default=False, err=True))


async def joined(service: Service, connection: Connection, wanted: Wanted, *, asks: bool) -> Connection:
    """Exchange the code and set the Default Account, as far as either is there; asks which of several accounts is meant.

    Raises:
        AskPerson: several accounts have the name, and nobody can be asked; the code was not used.
        NotTaken, FixConfiguration, RetryLater: as `surfaces.joining.join`.
    """
    try:
        return await join(service, connection, wanted, ACTOR)
    except SeveralAccounts as several:
        if not asks:
            listed = ", ".join(each.id for each in several.accounts)
            raise AskPerson(f"{several}: name one with --default-account ({listed})") from None
        chosen = replace(wanted, account_id=_chosen(several.accounts))
    return await join(service, connection, chosen, ACTOR)


def _chosen(accounts: Sequence[Account]) -> str:
    """Ask which account is meant; return its id.

    Raises:
        BadInput: the number is none of those shown; nothing was done.
    """
    for number, account in enumerate(accounts, 1):
        typer.echo(f"{number:>3}  {account.name}  made {account.created_at[:10] or 'long ago'}  {account.id}", err=True)
    number = int(typer.prompt("Which of them", type=int, err=True))
    if not 1 <= number <= len(accounts):
        raise BadInput(f"expected a number from 1 to {len(accounts)}")
    return accounts[number - 1].id
