"""The `hintsync` command: everything that a person or a script does, one file a command."""

from __future__ import annotations

from importlib.metadata import version
from typing import Annotated

import typer

from hintsync.crash_dumps import forbid_crash_dumps
from hintsync.surfaces.cli import batch, emulate
from hintsync.surfaces.cli.abort import abort
from hintsync.surfaces.cli.approve import approve
from hintsync.surfaces.cli.backup import backup
from hintsync.surfaces.cli.connect import connect
from hintsync.surfaces.cli.demo import demo
from hintsync.surfaces.cli.doctor import doctor
from hintsync.surfaces.cli.install import install
from hintsync.surfaces.cli.keys import keys, rotate_keys
from hintsync.surfaces.cli.link import link
from hintsync.surfaces.cli.log import log
from hintsync.surfaces.cli.parked import parked
from hintsync.surfaces.cli.pause import pause
from hintsync.surfaces.cli.restore import restore
from hintsync.surfaces.cli.resume import resume
from hintsync.surfaces.cli.review import review
from hintsync.surfaces.cli.run import run as show_run
from hintsync.surfaces.cli.runs import runs
from hintsync.surfaces.cli.salesforce_key import salesforce_key
from hintsync.surfaces.cli.search import search
from hintsync.surfaces.cli.serve import serve, worker
from hintsync.surfaces.cli.settings import settings
from hintsync.surfaces.cli.setup import setup
from hintsync.surfaces.cli.status import status
from hintsync.surfaces.cli.sync import sync
from hintsync.surfaces.cli.take_over import take_over
from hintsync.surfaces.cli.uninstall import uninstall
from hintsync.surfaces.cli.unlink import unlink
from hintsync.surfaces.cli.upgrade import upgrade
from hintsync.surfaces.cli.verify import verify
from hintsync.surfaces.cli.webhook import webhook

app = typer.Typer(
    name="hintsync",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help=(
        "Link Salesforce Contacts with Hint Patients and keep them in step, both ways, field by field. "
        "Exit codes: 0 done, 1 may be run again, 2 wrong input or configuration, 3 needs a person."
    ),
)


def _show_version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"hintsync {version('hintsync')}")
        raise typer.Exit


@app.callback()
def _options(
    shown: Annotated[
        bool, typer.Option("--version", is_eager=True, callback=_show_version, help="Show the version and end.")
    ] = False,
) -> None:
    pass


for command in (
    demo,
    setup,
    connect,
    salesforce_key,
    install,
    take_over,
    settings,
    status,
    doctor,
    search,
    sync,
    link,
    unlink,
    runs,
    review,
    log,
    verify,
    parked,
    pause,
    abort,
    resume,
    approve,
    webhook,
    serve,
    worker,
    upgrade,
    backup,
    restore,
    keys,
    rotate_keys,
    uninstall,
):
    app.command()(command)
app.command("run")(show_run)
app.add_typer(batch.app, name="batch")
app.add_typer(emulate.app, name="emulate")


def run() -> None:
    """Run the command line; what `hintsync` and `python -m hintsync` call."""
    for trouble in forbid_crash_dumps():
        typer.echo(f"hintsync: {trouble}", err=True)
    app()
