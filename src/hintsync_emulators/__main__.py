"""Starting an emulator by hand.

    python -m hintsync_emulators hint --port 8081 --people patients.csv --seed 1
    python -m hintsync_emulators salesforce --port 8082 --people patients.csv --seed 1
    python -m hintsync_emulators salesforce --tls-port 8443 --pubsub-port 7443 --change-events Contact

Given the same people and seed, the two hold their halves of one population. The certificate of the last two ports is
made at start; the path of its authority is printed, for clients to trust.
"""

import argparse
import itertools
import json
import os
import signal
import socket
import sqlite3
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.types import ASGIApp

from hintsync_emulators.clock import Clock
from hintsync_emulators.loading import load_contacts
from hintsync_emulators.people import PeopleFileError, Population, invent, read_people, spread
from hintsync_emulators.serve import listen, serve, serving, url_of

if TYPE_CHECKING:
    from hintsync_emulators.tls import Certificate

_DEFAULT_COUNT = 1_000
_CLIENT_ID = "hintsync-emulator-client"
_CLIENT_SECRET = "hintsync-emulator-secret"
_USERNAME = "integration@example.org"


@dataclass(frozen=True, slots=True)
class Started:
    """An emulator that is ready to be served."""

    app: ASGIApp
    #: What a caller needs to speak to it: tokens, keys, ids; and how many records it holds.
    facts: Mapping[str, object]
    #: Serves events over gRPC with a certificate on a port and yields the address; None where there are no events.
    events: "Callable[[Certificate, int], AbstractContextManager[str]] | None" = None
    #: Begins to tell an object's changes; None where there are no events.
    select: Callable[[str], None] | None = None


class _Ended(BaseException):
    """The process was told to stop."""


def main(argv: Sequence[str] | None = None) -> int:
    """Starts the emulator that the arguments name and serves it until told to stop.

    Returns:
        An exit code: 0 after an ordinary stop, 2 for arguments, a file or a port that cannot be used.
    """
    arguments = _parser().parse_args(argv)
    if arguments.system == _FIDELITY:
        return _print_fidelity()
    try:
        population = None if _is_kept(arguments.keep) else populate(arguments.people, arguments.seed, arguments.count)
        listener = listen(arguments.port)
        started = _START[arguments.system](population, arguments.seed, arguments.token, arguments.keep)
        _select(started, arguments.change_events or ())
    except (PeopleFileError, sqlite3.Error, OSError, LookupError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 2
    with _ending_in_order(), listener, ExitStack() as beside:
        try:
            secured = _secure(arguments, started, beside)
        except OSError as error:
            sys.stderr.write(f"{error}\n")
            return 2
        _announce(arguments, listener, {**started.facts, **secured}, population)
        if arguments.end_with_stdin:
            threading.Thread(target=_end_with_stdin, daemon=True).start()
        serve(started.app, listener)
    return 0


@contextmanager
def _ending_in_order() -> Iterator[None]:
    """Let a SIGTERM unwind what is open before it ends the process as it always does."""

    def end(number: int, frame: object) -> None:
        raise _Ended

    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGTERM, end)
    try:
        yield
    except _Ended:
        signal.signal(signal.SIGTERM, signal.SIG_DFL)
        signal.raise_signal(signal.SIGTERM)
    finally:
        signal.signal(signal.SIGTERM, before)


def _select(started: Started, names: Sequence[str]) -> None:
    for name in names:
        if started.select is None:
            raise LookupError("only Salesforce has change events")
        started.select(name)


def _secure(arguments: argparse.Namespace, started: Started, beside: ExitStack) -> dict[str, object]:
    """Opens the ports that need a certificate and returns what to print of them."""
    if arguments.tls_port is None and arguments.pubsub_port is None:
        return {}
    if arguments.pubsub_port is not None and started.events is None:
        raise OSError(f"{arguments.system} has no Pub/Sub API to put on a port")
    from hintsync_emulators.tls import write_certificate

    folder = Path(beside.enter_context(tempfile.TemporaryDirectory(prefix="hintsync-emulators-")))
    files = write_certificate(folder)
    facts: dict[str, object] = {"ca": str(files.ca)}
    if arguments.tls_port is not None:
        facts["tls_url"] = beside.enter_context(serving(started.app, arguments.tls_port, files))
    if arguments.pubsub_port is not None and started.events is not None:
        facts["pubsub"] = beside.enter_context(started.events(files.read(), arguments.pubsub_port))
    return facts


def populate(people: Path | None, seed: int, count: int | None) -> Population:
    """Makes the population that both emulators share halves of.

    Args:
        people: a Synthea patients.csv; None invents people.
        seed: the same seed gives the same population.
        count: how many people; None takes the whole file, or invents a thousand.

    Raises:
        PeopleFileError: the file cannot be used.
    """
    if people is None:
        return spread(invent(_DEFAULT_COUNT if count is None else count, seed), seed)
    return spread(itertools.islice(read_people(people, seed), count), seed)


def _is_kept(path: Path | None) -> bool:
    return path is not None and path.exists()


def start_hint(population: Population | None, seed: int, token: str | None, keep: Path | None = None) -> Started:
    """Builds a Hint emulator that holds the population's patients, or those of the file it is kept in.

    Raises:
        KeptFileError: the file holds no practice of this seed.
    """
    # Imported late, as is the other one: whoever starts one system does not wait for both.
    from hintsync_emulators import hint
    from hintsync_emulators.hint.keeping import Kept, load

    practice = hint.Practice(seed=seed, token=token, clock=Clock())
    if population is None and keep is not None:
        load(practice, keep)
    elif population is not None:
        practice.load(population.patients)
    facts = {
        "token": practice.token,
        "partner_key": practice.partner.key,
        "signing_key": practice.partner.signing_key,
        "practice_id": practice.id,
        "integration_id": practice.installation.integration_id,
        "code": practice.new_code(),
        "patients": len(practice),
    }
    app: ASGIApp = hint.create_app(practice)
    return Started(Kept(app, practice, keep) if keep else app, facts)


def start_salesforce(population: Population | None, seed: int, token: str | None, keep: Path | None = None) -> Started:
    """Builds a Salesforce emulator that holds the population's contacts, each in its account, or those it has kept."""
    from hintsync_emulators import salesforce

    app = salesforce.App(_CLIENT_ID, _CLIENT_SECRET, run_as=_USERNAME)
    database = str(keep) if keep else ":memory:"
    org = salesforce.Org(
        seed=seed,
        token=token,
        apps=[app],
        features=["MiddleName"],
        username=_USERNAME,
        database=database,
        clock=Clock(),
    )
    if population is not None:
        load_contacts(org, population.contacts)
    facts = {
        "token": token or org.issue_token(),
        "client_id": app.client_id,
        "client_secret": app.client_secret,
        "username": _USERNAME,
        "org_id": org.org_id,
        "contacts": org.count("Contact"),
    }
    served = salesforce.create_app(org)

    def events(certificate: "Certificate", port: int) -> AbstractContextManager[str]:
        # Imported late: only those who want events wait for gRPC.
        from hintsync_emulators.salesforce.pubsub.server import pubsub_thread

        return pubsub_thread(org, certificate, port, lambda kind: served.faults.counts.update([kind]))

    return Started(served, facts, events, org.events.channels.select)


_START = {"hint": start_hint, "salesforce": start_salesforce}


def _announce(
    arguments: argparse.Namespace, listener: socket.socket, given: Mapping[str, object], population: Population | None
) -> None:
    url = url_of(listener)
    people = population.describe() if population else [f"as kept in {arguments.keep}"]
    facts = {"system": arguments.system, "url": url, "control": f"{url}/_control", **given}
    if arguments.json:
        text = json.dumps({**facts, "people": people})
    else:
        text = "\n".join([*people, "", *(f"{name:>15}  {value}" for name, value in facts.items())])
    sys.stdout.write(f"{text}\n")
    sys.stdout.flush()


def _end_with_stdin() -> None:
    """Ends this process when whoever started it is gone and so the standard input closes."""
    sys.stdin.buffer.read()
    os.kill(os.getpid(), signal.SIGTERM)


def _print_fidelity() -> int:
    from hintsync_emulators.fidelity import page, read_table  # reads the sources, so only when asked

    sys.stdout.write(page(read_table()))
    return 0


_FIDELITY = "fidelity"
_CONTROL = """\
Steer a running emulator through its control API, which needs no credentials:
  curl URL/_control                                             every route, each with an example
  curl -X PUT URL/_control/faults -d '{"latency_ms": 200}'       faults, latency, limits, lost replies
  curl URL/_control/counts                                      calls by kind
  curl -X POST URL/_control/seed -d '{"count": 100}'             invented people
  curl -X POST URL/_control/snapshots -d '{"name": "before"}'    and /_control/snapshots/before/restore
  curl -X PUT URL/_control/clock -d '{"advance_seconds": 3600}'  time
  curl -X POST URL/_control/reset                               the end of all faults
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="hintsync emulate",
        description="Start a local Salesforce or Hint, or print the page that says how true they are (fidelity).",
        formatter_class=argparse.RawDescriptionHelpFormatter,
        epilog=_CONTROL,
    )
    parser.add_argument("system", choices=[*sorted(_START), _FIDELITY], help="which of the two")
    parser.add_argument("--port", type=int, default=0, help="port on 127.0.0.1; 0, the default, takes a free one")
    parser.add_argument("--tls-port", type=int, help="serve https on this port too; 0 takes a free one")
    parser.add_argument("--pubsub-port", type=int, help="Salesforce: serve change events (gRPC, TLS) on this port")
    parser.add_argument("--change-events", action="append", metavar="OBJECT", help="Salesforce: tell its changes")
    parser.add_argument("--people", type=Path, help="a Synthea patients.csv; without it people are invented")
    parser.add_argument("--seed", type=int, default=1, help="the same seed makes the same population (default 1)")
    parser.add_argument("--count", type=int, help=f"how many people (default {_DEFAULT_COUNT:,}, or the whole file)")
    parser.add_argument("--token", help="the access token to accept, instead of a fresh one")
    parser.add_argument("--keep", type=Path, help="a file to keep everything in; what it holds already is served again")
    parser.add_argument("--json", action="store_true", help="print the facts as one line of JSON")
    parser.add_argument("--end-with-stdin", action="store_true", help="stop when the standard input closes")
    return parser


if __name__ == "__main__":
    sys.exit(main())
