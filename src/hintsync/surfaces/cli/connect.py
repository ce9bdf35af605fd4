"""`hintsync connect`: join an org and a practice. Secrets come from files or a prompt, never from the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput
from hintsync.engine.options import Options
from hintsync.setup.connecting import connect as join_both
from hintsync.setup.connecting import connect_salesforce, ensure_pinned_org, has_login
from hintsync.setup.installation import prepare_org
from hintsync.setup.signing_keys import settle_first_key
from hintsync.setup.taking_over import keep_apart
from hintsync.state.port import Connection
from hintsync.surfaces.announcing import announce_webhook
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.connect_account import asked_account, joined
from hintsync.surfaces.cli.connect_first_run import first_run
from hintsync.surfaces.cli.connect_login import LoginOptions, login_of, own_key_explained
from hintsync.surfaces.cli.connect_options import (
    AccessTokenFile,
    AccountId,
    AccountName,
    ClientId,
    ClientSecretFile,
    CreatesContacts,
    Deploys,
    FirstDryRun,
    HintCode,
    HintCodeFile,
    HintTokenFile,
    NewName,
    PhoneRegion,
    PrivateKeyFile,
    SalesforceOnly,
    SalesforceUrl,
    Username,
)
from hintsync.surfaces.cli.connect_views import half, whole
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import ACTOR, Asked, with_service
from hintsync.surfaces.cli.secrets import on_terminal, read_secret
from hintsync.surfaces.joining import Wanted


def connect(
    name: NewName,
    salesforce_url: SalesforceUrl = None,
    hint_token_file: HintTokenFile = None,
    hint_code: HintCode = False,
    hint_code_file: HintCodeFile = None,
    client_id: ClientId = None,
    client_secret_file: ClientSecretFile = None,
    username: Username = None,
    private_key_file: PrivateKeyFile = None,
    access_token_file: AccessTokenFile = None,
    deploy: Deploys = None,
    create_contacts: CreatesContacts = None,
    account: AccountName = None,
    default_account: AccountId = None,
    phone_region: PhoneRegion = None,
    salesforce_only: SalesforceOnly = False,
    dry_run: FirstDryRun = None,
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
        alone = salesforce_only or not (code or made.practice_id)
        named = account or (asked_account(made) if asks and default_account is None and not alone else "")
        if code or named:
            made = await joined(service, made, Wanted(code, named), asks=asks)
        if alone:
            return half(made)
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

    @property
    def by_code(self) -> bool:
        """Whether an authorization code is to be exchanged."""
        return self.code_file is not None or self.asks_code

    @property
    def named(self) -> bool:
        """Whether Hint is to be connected, or connected again."""
        return self.by_code or self.token_file is not None

    def read(self, *, known: bool) -> tuple[str, str]:
        """Return the practice's token or an authorization code; neither of them where Hint stays as it is.

        Args:
            known: The connection is there already: what is not named stays.

        Raises:
            BadInput: more than one was named, or none can be asked for.
        """
        if (self.token_file is not None) + self.by_code + self.left_out > 1:
            raise BadInput("name one of --hint-token-file, --hint-code-file, --hint-code and --salesforce-only")
        if self.left_out or (known and not self.named):
            return "", ""
        if self.by_code:
            return "", read_secret(self.code_file, "Hint's authorization code")
        return read_secret(self.token_file, "Hint practice token"), ""


async def _connected(
    service: Service, name: str, given: LoginOptions, hint: _Hint, options: Options | None, *, deploy: bool | None
) -> tuple[Connection, str]:
    """Connect the org, and Hint too if its token is there; return the connection and the code that is still to be exchanged."""
    known = await has_login(service.store, name)
    login = await login_of(service, name, given, renews=not hint.named)
    token, code = hint.read(known=known)
    with own_key_explained(login):
        if deploy or (deploy is None and not known):  # the user of every day need not be one who may deploy
            await ensure_pinned_org(service, name, login)
            await prepare_org(service, login)
        if token:
            made = await join_both(service, name, hint_token=token, login=login, options=options)
        else:
            made = await connect_salesforce(service, name, login=login, options=options)
    await settle_first_key(service, made)
    return made, code


async def _options(service: Service, name: str, chosen: dict[str, object]) -> Options | None:
    """Return the settings to store: those there are, with what was chosen; None keeps them as they are."""
    if not chosen:
        return None
    known = {connection.name: connection.settings for connection in await service.store.connections()}
    return Options.from_json({**Options.from_json(known.get(name, {})).to_json(), **chosen})
