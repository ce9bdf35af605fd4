"""The demo's stage: a folder, both systems, and a connection of ours between them."""

from __future__ import annotations

import json
import os
import socket
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path

from hintsync.bootstrap import Service, open_service
from hintsync.core.errors import BadInput
from hintsync.demo.edits import Conflict
from hintsync.demo.people import OUR_PER_SECOND, Cast, Systems, both_systems
from hintsync.demo.wire import Wires, open_wires
from hintsync.logins import WithClientCredentials
from hintsync.settings import PREFIX, SETTINGS_FILE, Settings, load_settings

CONNECTION = "demo"
#: What a program needs to go on with the demo; also marks a folder as the demo's.
NOTES_FILE = "demo.json"
REPORT_FILE = "contacts-report.csv"
_CONCURRENCY = 8
#: Where the demo's service listens, and how people's browsers call it: another site than the emulated org, as in real life.
_HOST, _SITE = "127.0.0.1", "localhost"


@dataclass(slots=True)
class Notes:
    """What is kept between two demos on one folder."""

    seed: int
    rounds: int = 0
    #: Conflicts that the demo made and that nobody has decided.
    conflicts: list[Conflict] = field(default_factory=list)

    @classmethod
    def read(cls, folder: Path) -> Notes | None:
        """Return what a demo on this folder left; None if there was none.

        Raises:
            BadInput: the folder holds something else, or the notes are broken.
        """
        path = folder / NOTES_FILE
        if not path.exists():
            if (folder / "hintsync.sqlite3").exists():
                raise BadInput(f"{folder}: holds an installation that is no demo; name another folder")
            return None
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            return cls(stored["seed"], stored["rounds"], [Conflict(**each) for each in stored["conflicts"]])
        except (OSError, ValueError, KeyError, TypeError):
            raise BadInput(f"{path}: not the notes of a demo; remove the folder to begin anew") from None


@dataclass(frozen=True, slots=True)
class Stage:
    """Everything the play needs."""

    folder: Path
    systems: Systems
    service: Service
    wires: Wires
    notes: Notes
    #: The folder held a demo already.
    kept: bool

    @property
    def login(self) -> WithClientCredentials:
        """How we sign in to the org."""
        org = self.systems.org
        return WithClientCredentials(org.url, org.client_id, org.client_secret)

    @property
    def public_url(self) -> str:
        """Address of our pages for people's browsers, once the service is live; known from the beginning."""
        return self.service.settings.public_url

    def write_notes(self, **more: object) -> None:
        """Write `demo.json`: addresses, tokens, ids, and what the next demo on this folder must know."""
        notes = {
            "connection": CONNECTION,
            "seed": self.notes.seed,
            "rounds": self.notes.rounds,
            "hintsync": self.public_url,
            "salesforce": asdict(self.systems.org),
            "hint": asdict(self.systems.hint),
            "conflicts": [asdict(conflict) for conflict in self.notes.conflicts],
            **more,
        }
        _write_private(self.folder / NOTES_FILE, json.dumps(notes, indent=2) + "\n")


@asynccontextmanager
async def open_stage(state: Path | None, cast: Cast) -> AsyncIterator[Stage]:
    """Set the stage up; without a folder everything is gone at the end.

    Raises:
        BadInput: the folder or the people's file cannot be used.
    """
    with ExitStack() as below:
        folder = below.enter_context(_folder(state))
        notes = Notes.read(folder)
        kept = replace(cast, seed=notes.seed if notes else cast.seed, kept_in=folder if state else None)
        systems = below.enter_context(both_systems(kept))
        settings = _settings(folder, systems, below.enter_context(_reserved_port()))
        async with AsyncExitStack() as above:
            service = await above.enter_async_context(open_service(settings))
            wires = await above.enter_async_context(open_wires(systems))
            stage = Stage(folder, systems, service, wires, notes or Notes(kept.seed), notes is not None)
            stage.write_notes()
            yield stage


@contextmanager
def _folder(state: Path | None) -> Iterator[Path]:
    if state is None:
        with tempfile.TemporaryDirectory(prefix="hintsync-demo-") as folder:
            yield Path(folder)
        return
    try:
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        raise BadInput(f"{state}: cannot be used as a folder: {error.strerror}") from None
    yield state.resolve()


@contextmanager
def _reserved_port() -> Iterator[int]:
    """Find a free port, and keep everybody but our own listener from taking it: what is deployed names it before we listen."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as keeper:
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # so does the listener: both may bind it
        keeper.bind((_HOST, 0))
        yield keeper.getsockname()[1]


def _settings(folder: Path, systems: Systems, port: int) -> Settings:
    """Return the demo's settings, which touch nothing outside its folder, and leave them there for other commands."""
    chosen = {
        "hint_url": systems.hint.url,
        "hint_partner_key": systems.hint.partner_key,
        "hint_webhook_keys": systems.hint.signing_key,
        "hint_requests_per_second": OUR_PER_SECOND,
        "hint_concurrency": _CONCURRENCY,
        "salesforce_events": systems.org.pubsub,
        "salesforce_events_ca": systems.org.ca,
        "listen_host": _HOST,
        "listen_port": port,
        "public_url": f"http://{_SITE}:{port}",
    }
    lines = (f"{PREFIX}{name.upper()}={value}\n" for name, value in chosen.items())
    _write_private(folder / SETTINGS_FILE, "".join(lines))
    return load_settings(state=folder, database_url="", master_keys="", alerts="", **chosen)


def _write_private(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)
