"""Starts the two emulators that the demo plays on, each with its half of one population."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import httpx

from hintsync.core.errors import BadInput
from hintsync_emulators.serve import emulator_process

#: Requests a second that the demo's Hint allows. The real one allows 20, and a thousand patients would take a minute.
HINT_PER_SECOND = 500
#: What our own limiter is set to: below the emulator's, as it stays below Hint's.
OUR_PER_SECOND = 400.0


@dataclass(frozen=True, slots=True)
class Cast:
    """Who plays, and where what is played is kept."""

    people: Path | None = None
    seed: int = 1
    count: int | None = None
    #: Folder that both systems are kept in; None: they are gone with their processes.
    kept_in: Path | None = None

    def arguments(self, system: str) -> list[str]:
        """Return the arguments of one emulator.

        Raises:
            BadInput: the people's file cannot be read.
        """
        if self.people is not None and not self.people.is_file():
            raise BadInput(f"{self.people}: no such file; expected a patients.csv as Synthea writes it")
        arguments = [system, "--seed", str(self.seed)]
        arguments += ["--people", str(self.people)] if self.people else []
        arguments += ["--count", str(self.count)] if self.count else []
        arguments += ["--pubsub-port", "0"] if system == "salesforce" else []
        return [*arguments, "--keep", str(self.kept_in / _KEPT[system])] if self.kept_in else arguments


_KEPT = {"hint": "emulated-hint.json", "salesforce": "emulated-salesforce.sqlite3"}


@dataclass(frozen=True, slots=True)
class HintFacts:
    """What a caller needs to speak to the emulated practice."""

    url: str
    token: str = field(repr=False)
    partner_key: str = field(repr=False)
    practice_id: str
    patients: int
    #: Signs the webhooks.
    signing_key: str = field(default="", repr=False)


@dataclass(frozen=True, slots=True)
class OrgFacts:
    """What a caller needs to speak to the emulated org."""

    url: str
    token: str = field(repr=False)
    client_id: str
    client_secret: str = field(repr=False)
    org_id: str
    contacts: int
    #: `host:port` of the change events, and the file of the authority that vouches for it.
    pubsub: str = ""
    ca: str = ""


@dataclass(frozen=True, slots=True)
class Systems:
    """Both emulators, listening."""

    hint: HintFacts
    org: OrgFacts
    #: Who was made and how they were spread, in lines for people.
    people: tuple[str, ...]


@contextmanager
def both_systems(cast: Cast) -> Iterator[Systems]:
    """Start both emulators as processes of their own, for the length of a with block.

    Raises:
        BadInput: the people's file, or a kept system, cannot be used; the emulator says why on standard error.
    """
    with ExitStack() as running:
        try:
            hint = running.enter_context(emulator_process(cast.arguments("hint")))
            org = running.enter_context(emulator_process(cast.arguments("salesforce")))
        except RuntimeError:
            raise BadInput("an emulator did not start; its own message stands above") from None
        _allow_haste(str(hint["control"]))
        told = hint["people"]
        yield Systems(_hint_facts(hint), _org_facts(org), tuple(map(str, told)) if isinstance(told, list) else ())


def _allow_haste(control: str) -> None:
    limits = {"limits": {"per_second": HINT_PER_SECOND}}
    httpx.put(f"{control}/faults", json=limits).raise_for_status()


def _hint_facts(told: dict[str, object]) -> HintFacts:
    texts = {name: str(told[name]) for name in ("url", "token", "partner_key", "practice_id", "signing_key")}
    return HintFacts(**texts, patients=_count(told["patients"]))


def _org_facts(told: dict[str, object]) -> OrgFacts:
    names = ("url", "token", "client_id", "client_secret", "org_id", "pubsub", "ca")
    texts = {name: str(told[name]) for name in names}
    return OrgFacts(**texts, contacts=_count(told["contacts"]))


def _count(told: object) -> int:
    return told if isinstance(told, int) else 0
