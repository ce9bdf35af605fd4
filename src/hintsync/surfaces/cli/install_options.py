"""The options of `hintsync install`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

PublicUrl = Annotated[
    str | None,
    typer.Option("--public-url", metavar="URL", help="Where browsers reach hintsync; HINTSYNC_PUBLIC_URL without it."),
]
Granted = Annotated[
    list[str] | None,
    typer.Option(
        "--grant",
        metavar="WHO",
        help="admins (always included), everybody, or profile:NAME; may be given more than once.",
    ),
]
Layouts = Annotated[
    list[str] | None,
    typer.Option(
        "--layout", metavar="NAME", help="A page layout of contacts, may be given more than once; all without it."
    ),
]
CheckOnly = Annotated[
    bool, typer.Option("--check-only", help="Let Salesforce validate everything, and change nothing.")
]
ConsumerKey = Annotated[
    str | None, typer.Option(help="Key of our app, copied from the org, if the org did not take ours.")
]
ConsumerSecretFile = Annotated[Path | None, typer.Option(metavar="FILE", help="Holds the secret that belongs to it.")]
OrgMakesKey = Annotated[
    bool,
    typer.Option("--org-makes-key", help="Let the org make key and secret, to be copied from there afterwards."),
]
