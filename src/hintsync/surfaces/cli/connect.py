"""`hintsync connect`: join an org and a practice. Secrets come from files or a prompt, never from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput
from hintsync.engine.options import Options
from hintsync.setup.connecting import connect as join_both
from hintsync.setup.connecting import connect_salesforce
from hintsync.setup.installation import prepare_org
from hintsync.setup.signing_keys import settle_first_key
from hintsync.setup.taking_over import keep_apart
from hintsync.state.port import Connection
from hintsync.surfaces.announcing import announce_webhook
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.connect_account import asked_account, joined
from hintsync.surfaces.cli.connect_first_run import first_run
from hintsync.surfaces.cli.connect_login import LoginOptions, login_of, own_key_explained
from hintsync.surfaces.cli.connect_views import half, whole
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import ACTOR, Asked, with_service
from hintsync.surfaces.cli.secrets import on_terminal, read_secret
from hintsync.surfaces.joining import Wanted


def connect(
    name: Annotated[str, typer.Argument(help="Name of the connection; the same name again renews its credentials.")],
    salesforce_url: Annotated[str, typer.Option(metavar="URL", help="My Domain address of the org, https://….")],
    hint_token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds Hint's practice token; asked for without it.")
    ] = None,
    hint_code: Annotated[
        bool, typer.Option("--hint-code", help="Ask for Hint's authorization code, to be exchanged for the token.")
    ] = False,
    hint_code_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the authorization code, which is good for one exchange.")
    ] = None,
    client_id: Annotated[str | None, typer.Option(help="Consumer key of the external client app.")] = None,
    client_secret_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds the app's secret; asked for without it.")
    ] = None,
    username: Annotated[
        str | None,
        typer.Option(help="User to act as, by a key instead of a secret: the one that hintsync salesforce-key made."),
    ] = None,
    private_key_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="PEM of a key of yours whose certificate the app knows.")
    ] = None,
    access_token_file: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Holds an access token that somebody else renews; for trials.")
    ] = None,
    deploy: Annotated[
        bool, typer.Option("--deploy/--no-deploy", help="Deploy our fields into the org first; safe to repeat.")
    ] = True,
    create_contacts: Annotated[
        bool | None,
        typer.Option("--create-contacts/--no-create-contacts", help="Batches create contacts for unmatched patients."),
    ] = None,
    account: Annotated[
        str | None,
        typer.Option(
            metavar="NAME", help="Default Account of contacts that are created from Hint; made if there is none."
        ),
    ] = None,
    default_account: Annotated[
        str | None, typer.Option(metavar="ACCOUNT_ID", help="The same by its id, as where several have one name.")
    ] = None,
    phone_region: Annotated[
        str | None, typer.Option(metavar="CC", help="Country of numbers without a country code, such as US.")
    ] = None,
    salesforce_only: Annotated[
        bool,
        typer.Option(
            "--salesforce-only", help="Connect the org alone; Hint is connected on the Hint Health page, with its code."
        ),
    ] = False,
    dry_run: Annotated[
        bool | None,
        typer.Option(
            "--dry-run/--no-dry-run", help="Look at a first dry run of everybody afterwards; on a terminal it is asked."
        ),
    ] = None,
    state: StateFolder = None,
    as_json: AsJson = False,
) -> None:
    """Join a Salesforce org and a Hint practice, pin both, keep the credentials sealed, and tell Hint the webhook address."""
    chosen = {"create_contacts": create_contacts, "default_account_id": default_account, "phone_region": phone_region}
    login = LoginOptions(salesforce_url, client_id, client_secret_file, username, private_key_file, access_token_file)
    hint = _Hint(hint_token_file, hint_code_file, hint_code, salesforce_only)

    async def work(service: Service) -> Answer:
        asks = on_terminal() and not as_json
        options = await _options(service, name, {key: value for key, value in chosen.items() if value is not None})
        made, code = await _connected(service, name, login, hint, options, deploy=deploy)
        await keep_apart(service, made, ACTOR)
        if salesforce_only:
            return half(made)
        named = account or (asked_account(made) if asks and default_account is None else "")
        if code or named:
            made = await joined(service, made, Wanted(code, named), asks=asks)
        announced = await announce_webhook(service, made)
        ran = await first_run(service, made, wanted=dry_run, asks=asks, as_json=as_json)
        return whole(made, announced, ran)

    with_service(Asked(state, name, as_json), work)


@dataclass(frozen=True, slots=True)
class _Hint:
    """How Hint is connected, as far as options say."""

    token_file: Path | None
    code_file: Path | None
    asks_code: bool
    left_out: bool

    def read(self) -> tuple[str, str]:
        """Return the practice's token or an authorization code; neither of them where Hint is left out.

        Raises:
            BadInput: more than one was named, or none can be asked for.
        """
        by_code = self.code_file is not None or self.asks_code
        if (self.token_file is not None) + by_code + self.left_out > 1:
            raise BadInput("name one of --hint-token-file, --hint-code-file, --hint-code and --salesforce-only")
        if self.left_out:
            return "", ""
        if by_code:
            return "", read_secret(self.code_file, "Hint's authorization code")
        return read_secret(self.token_file, "Hint practice token"), ""


async def _connected(
    service: Service, name: str, given: LoginOptions, hint: _Hint, options: Options | None, *, deploy: bool
) -> tuple[Connection, str]:
    """Connect the org, and Hint too if its token is there; return the connection and the code that is still to be exchanged."""
    login = await login_of(service, name, given)
    token, code = hint.read()
    with own_key_explained(given):
        if deploy:
            await prepare_org(service, login)
        if token:
            made = await join_both(service, name, hint_token=token, login=login, options=options)
        else:
            made = await connect_salesforce(service, name, login=login, options=options)
    await settle_first_key(service.store, made.id)
    return made, code


async def _options(service: Service, name: str, chosen: dict[str, object]) -> Options | None:
    """Return the settings to store: those there are, with what was chosen; None keeps them as they are."""
    if not chosen:
        return None
    known = {connection.name: connection.settings for connection in await service.store.connections()}
    return Options.from_json({**Options.from_json(known.get(name, {})).to_json(), **chosen})
