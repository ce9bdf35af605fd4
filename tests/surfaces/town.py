"""An emulated org and an emulated practice on sockets, and the command line that is pointed at them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from starlette.types import ASGIApp
from typer.testing import CliRunner, Result

from hintsync.bootstrap import open_service
from hintsync.core.values import Side
from hintsync.engine.options import Options
from hintsync.logins import WithToken
from hintsync.settings import SETTINGS_FILE, load_settings
from hintsync.setup.connecting import connect
from hintsync.setup.installation import prepare_org
from hintsync.surfaces.cli.main import app
from hintsync_emulators.control import Controlled
from hintsync_emulators.hint import Practice, create_app
from hintsync_emulators.salesforce import Org
from hintsync_emulators.salesforce import create_app as create_org_app
from hintsync_emulators.serve import serving

#: Values that must never show anywhere but on the screen of who asked for them.
CANARY = "Zyxwvutcanary"
Wrap = Callable[[ASGIApp], ASGIApp]


@dataclass(slots=True)
class Town:
    """Both systems, served, with a connection of ours between them."""

    practice: Practice
    org: Org
    hint_app: Controlled
    hint_url: str
    org_url: str
    state: Path
    #: Text that is written to standard input.
    typed: str | None = None
    runner: CliRunner = field(default_factory=CliRunner)

    def both(self, first: str, last: str, born: str, **differing: Mapping[str, str]) -> tuple[str, str]:
        """Put somebody into both systems; `hint` and `org` hold further values of each."""
        return (
            self.contact(first, last, born, **differing.get("org", {})),
            self.patient(first, last, born, **differing.get("hint", {})),
        )

    def contact(self, first: str, last: str, born: str, **values: str) -> str:
        person = {"FirstName": first, "LastName": last, "Birthdate": born, **values}
        return self.org.insert("Contact", {name: value for name, value in person.items() if value})

    def patient(self, first: str, last: str, born: str, **values: str) -> str:
        return self.practice.create_patient(first_name=first, last_name=last, dob=born, **values)

    def run(self, *arguments: object) -> Result:
        """Run the command line in this process."""
        return self.runner.invoke(app, [*map(str, arguments), "--state", str(self.state)], input=self.typed)

    def json(self, *arguments: object, code: int = 0) -> dict[str, Any]:
        """Run a command with --json and return what it printed, which must be one line of JSON."""
        result = self.run(*arguments, "--json")
        assert result.exit_code == code, f"{result.exception!r}\n{result.stderr}\n{result.stdout}"
        assert result.stdout.count("\n") == 1
        parsed: dict[str, Any] = json.loads(result.stdout)
        return parsed

    def link_everybody(self) -> dict[str, Any]:
        return self.json("batch", "patients")

    def report(self, *ids: str, name: str = "report.csv") -> Path:
        """Write a file of contact ids."""
        path = self.state.parent / name
        path.write_text("Contact ID\n" + "".join(f"{each}\n" for each in ids), encoding="utf-8")
        return path

    def city(self, side: Side, record_id: str) -> object:
        if side is Side.SALESFORCE:
            return self.org.get("Contact", record_id)["MailingCity"]
        return self.practice.patient(record_id)["address_city"]


@contextmanager
def built(tmp_path: Path, *, options: Options | None = None, wrap: Wrap = lambda app: app) -> Iterator[Town]:
    """Build a town for the length of a with block; `wrap` goes around the Hint emulator."""
    practice, org = Practice(seed=1), Org(seed=1, features=["MiddleName"])
    org.pace.deploy_polls = 0  # or the connect waits two seconds
    hint_app = create_app(practice)
    hint_app.faults.limits["per_second"] = None
    with serving(wrap(hint_app)) as hint_url, serving(create_org_app(org)) as org_url:
        state = tmp_path / "state"
        state.mkdir(mode=0o700)
        lines = f"HINTSYNC_HINT_URL={hint_url}\nHINTSYNC_HINT_REQUESTS_PER_SECOND=1000\n"
        (state / SETTINGS_FILE).write_text(lines, encoding="utf-8")
        asyncio.run(_connect(state, org_url, org.issue_token(), practice.token, options))
        yield Town(practice, org, hint_app, hint_url, org_url, state)
    org.close()


async def _connect(state: Path, org_url: str, org_token: str, hint_token: str, options: Options | None) -> None:
    async with open_service(load_settings(state=state)) as service:
        login = WithToken(org_url, org_token)
        await prepare_org(service, login)
        await connect(service, "clinic", hint_token=hint_token, login=login, options=options)
