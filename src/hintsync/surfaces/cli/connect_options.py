"""The options of `hintsync connect`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

NewName = Annotated[str, typer.Argument(help="Name of the connection; the same name again renews its credentials.")]
SalesforceUrl = Annotated[
    str | None,
    typer.Option(
        metavar="URL",
        help="My Domain address of the org, https://…. Left out, what is not named stays as the connection signs in now.",
    ),
]
HintTokenFile = Annotated[
    Path | None,
    typer.Option(metavar="FILE", help="Holds Hint's practice token; for a new connection it is asked for without it."),
]
HintCode = Annotated[
    bool, typer.Option("--hint-code", help="Ask for Hint's authorization code, to be exchanged for the token.")
]
HintCodeFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Holds the authorization code, which is good for one exchange.")
]
ClientId = Annotated[str | None, typer.Option(help="Consumer key of the external client app.")]
ClientSecretFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Holds the app's secret; asked for without it.")
]
Username = Annotated[
    str | None,
    typer.Option(help="User to act as, by a key instead of a secret: the one that hintsync salesforce-key made."),
]
PrivateKeyFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="PEM of a key of yours whose certificate the app knows.")
]
AccessTokenFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="Holds an access token that somebody else renews; for trials.")
]
Deploys = Annotated[
    bool | None,
    typer.Option(
        "--deploy/--no-deploy",
        help="Deploy our fields into the org first, safe to repeat; by itself for a new connection.",
    ),
]
CreatesContacts = Annotated[
    bool | None,
    typer.Option("--create-contacts/--no-create-contacts", help="Batches create contacts for unmatched patients."),
]
AccountName = Annotated[
    str | None,
    typer.Option(metavar="NAME", help="Default Account of contacts that are created from Hint; made if there is none."),
]
AccountId = Annotated[
    str | None, typer.Option(metavar="ACCOUNT_ID", help="The same by its id, as where several have one name.")
]
PhoneRegion = Annotated[
    str | None, typer.Option(metavar="CC", help="Country of numbers without a country code, such as US.")
]
SalesforceOnly = Annotated[
    bool,
    typer.Option(
        "--salesforce-only", help="Connect the org alone; Hint is connected on the Hint Health page, with its code."
    ),
]
FirstDryRun = Annotated[
    bool | None,
    typer.Option(
        "--dry-run/--no-dry-run", help="Look at a first dry run of everybody afterwards; on a terminal it is asked."
    ),
]
