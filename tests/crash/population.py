"""A small practice and a small org that hold every case a batch can meet, over any store, one connection a history."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

from hintsync.core.fingerprints import Fingerprinter, pair_salt
from hintsync.core.records import Link, LinkStatus, RecordId, RecordState
from hintsync.core.values import ABSENT, Canonical, Side
from hintsync.engine.context import Engine
from hintsync.engine.options import Options
from hintsync.replicas.memory import CAPABILITIES, MemoryReplica
from hintsync.state.port import Commit, Connection, LinkChange, Run, StateStore
from tests.crash.points import Points, WatchedFaults, WatchedStore
from tests.engine.world import HandClock

BORN = "1980-05-06"
HOME, OTHER, THIRD = "+14155550111", "+14155550122", "+14155550133"


@dataclass(slots=True)
class Town:
    """Both systems, which outlive the processes that work them, and one connection of a store."""

    store: StateStore
    name: str
    options: Options = field(default_factory=lambda: Options(create_contacts=True, contact_url="https://org.example/"))
    clock: HandClock = field(default_factory=HandClock)
    org: MemoryReplica = field(init=False)
    practice: MemoryReplica = field(init=False)
    changes: list[LinkChange] = field(default_factory=list)
    declined: list[tuple[RecordId, RecordId]] = field(default_factory=list)
    #: Every contact that people made.
    contacts: list[RecordId] = field(default_factory=list)
    #: The run's `done` at each report of progress, and who else is told.
    progress: list[int] = field(default_factory=list)
    watchers: list[Callable[[], None]] = field(default_factory=list)
    _ids: itertools.count[int] = field(default_factory=itertools.count)
    _people: itertools.count[int] = field(default_factory=itertools.count)

    def __post_init__(self) -> None:
        table = self.options.table()
        small = {
            Side.SALESFORCE: replace(CAPABILITIES[Side.SALESFORCE], read_size=7, page_size=20, write_size=5),
            Side.HINT: replace(CAPABILITIES[Side.HINT], page_size=8),
        }
        self.org = MemoryReplica(Side.SALESFORCE, table, self.clock, capabilities=small[Side.SALESFORCE])
        self.practice = MemoryReplica(Side.HINT, table, self.clock, capabilities=small[Side.HINT])
        self.org.faults, self.practice.faults = WatchedFaults(Side.SALESFORCE), WatchedFaults(Side.HINT)

    async def open(self) -> None:
        """Make the connection known, with the links and declined pairs that were there before."""
        org, practice = self.org.identity, self.practice.identity
        settings = self.options.to_json()
        await self.store.put_connection(Connection(self.name, self.name, org.id, org.sandbox, practice.id, settings))
        await self.store.commit(Commit(links=self.changes))
        for contact_id, patient_id in self.declined:
            await self.store.decline(self.name, contact_id, patient_id, "a person", "2026-03-01T00:00:00Z")

    async def engine(self, points: Points | None = None) -> Engine:
        """Return the engine of a fresh process, which meets these points."""
        points = points or Points()
        self._watch(Points())  # what comes before the run is no part of it
        described = {Side.SALESFORCE: await self.org.describe(), Side.HINT: await self.practice.describe()}
        self._watch(points)
        connection = await self.store.connection(self.name)
        assert connection is not None
        return Engine(
            connection=connection,
            options=self.options,
            store=WatchedStore(self.store, points),  # type: ignore[arg-type]  # it passes everything on
            replicas={Side.SALESFORCE: self.org, Side.HINT: self.practice},
            described=described,
            table=self.options.table(),
            fingerprint_key=self.store.fingerprint_key(self.name),
            clock=self.clock,
            new_id=lambda prefix: f"{self.name}.{prefix}-{next(self._ids):06d}",
        )

    def note(self, run: Run) -> None:
        """Take a report of progress."""
        self.progress.append(run.done)
        for watcher in self.watchers:
            watcher()

    def _watch(self, points: Points) -> None:
        for replica in (self.org, self.practice):
            assert isinstance(replica.faults, WatchedFaults)
            replica.faults.points = points

    def person(self, **values: Canonical) -> dict[str, Canonical]:
        """Return the values of somebody who is like nobody else: near matches are made on purpose only."""
        number = next(self._people)
        born = f"{1950 + number % 40}-{1 + number % 12:02}-{1 + number % 28:02}"
        return {"first_name": _word(3 * number + 1), "last_name": _word(number), "birth_date": born, **values}

    def contact(self, values: Mapping[str, Canonical], **beside: object) -> RecordId:
        """Add a contact."""
        self.contacts.append(self.org.put(values, **beside))  # type: ignore[arg-type]  # put's own keywords
        return self.contacts[-1]

    def both(self, values: Mapping[str, Canonical], **of_contact: Canonical) -> tuple[RecordId, RecordId]:
        """Add somebody to both systems; the contact differs in what is named."""
        return self.contact({**values, **of_contact}), self.practice.put(values)

    def linked(
        self, *, status: LinkStatus = LinkStatus.ACTIVE, more: tuple[str, ...] = (), **values: Canonical
    ) -> tuple[RecordId, RecordId]:
        """Add somebody to both systems, linked and in step; `more` mobile numbers stand behind the patient's own."""
        contact, patient = self.both(self.person(**values))
        link = Link(
            id=f"{self.name}.old-{next(self._ids):06d}",
            connection_id=self.name,
            contact_id=contact,
            patient_id=patient,
            status=status,
            origin="manual",
            decided_by="a person",
            salt=pair_salt(contact, patient),
            created_at="2026-03-01T00:00:00Z",
        )
        fp = Fingerprinter(self.store.fingerprint_key(self.name), link.salt)
        shown = self.practice.shown(patient).values
        seen = {name: value for name, value in shown.items() if value is not ABSENT}
        self.changes.append(LinkChange(link, {name: fp.of(name, value) for name, value in seen.items()}))
        self.org.edit(contact, peer_id=patient, marked=True)
        entries = [("mobile", number) for number in (shown["mobile_phone"], *more) if isinstance(number, str)]
        self.practice.edit(patient, peer_id=contact, **({"phones": entries} if more else {}))
        return contact, patient


def _word(number: int) -> str:
    """Return a name of its own for each number up to 225."""
    syllables = ("ba", "dor", "fim", "gul", "hek", "jos", "kra", "lun", "mip", "not", "pex", "qua", "riv", "sto", "tez")
    first, second = divmod(number, len(syllables))
    return (syllables[second] * 2 + syllables[first] * 2 + syllables[(first * 7 + second) % 15]).capitalize()


def unlinked(town: Town, several: int) -> None:
    """Add everybody whom matching has something to say about."""
    for _ in range(several):
        town.both(town.person(email="equal@example.org", city="Boston", mobile_phone=HOME))
    for number in range(several):
        town.both(town.person(email=f"p{number}@example.org", city="Boston"), email=f"c{number}@example.org")
    for _ in range(several):  # blanks both ways
        town.both(town.person(zip="02110", mobile_phone=HOME, city=None), zip=None, mobile_phone=None, city="Salem")
    town.both(town.person(middle_name="Lee"), middle_name="May")  # Salesforce refuses the field
    for number in range(several + 1):  # no contact
        town.practice.put(town.person(email=f"new{number}@example.org", membership_status="active"))
    town.practice.put(town.person(middle_name="Lee", city="Lynn"))  # created without the refused field
    town.org.faults.duplicates[town.practice.put(town.person())] = ("003000000000009AAA",)
    refused = town.both(town.person(city="Boston"), city="Salem")
    town.org.faults.refused_records[refused[0]] = "FIELD_CUSTOM_VALIDATION_EXCEPTION"
    twice = town.person()
    town.both(twice)
    town.contact(twice)
    shared = town.person()
    town.both(shared)
    town.practice.put(shared)
    town.both(town.person(birth_date=None))
    town.both(town.person(birth_date="1900-01-01"))
    town.contact({"first_name": "Katherine", "last_name": "Zabriskie", "birth_date": BORN})
    town.practice.put({"first_name": "Kathryn", "last_name": "Zabriskie", "birth_date": BORN})
    town.practice.put(town.person(), state=RecordState.ARCHIVED)
    gone = town.person()
    town.contact(gone)
    town.practice.put(gone, state=RecordState.ARCHIVED)
    club = town.person()
    town.contact(club, person_account=True)
    town.practice.put(club)
    marked = town.person()
    town.contact(marked, marked=True)
    town.practice.put(marked)
    town.declined.append(town.both(town.person()))
    for city in ("Salem", None):  # linked once, and our store has lost it
        contact, patient = town.both(
            town.person(email="r@example.org", city="Boston", zip=None), city=city, zip="02110"
        )
        town.org.edit(contact, peer_id=patient, marked=True)


def already_linked(town: Town) -> None:
    """Add pairs that are linked already, with edits of every kind on either side or both."""
    town.linked(city="Boston")
    _, patient = town.linked(city="Boston", email="f2@example.org")
    town.practice.edit(patient, {"city": "Salem"})
    contact, _ = town.linked(city="Boston", email="f3@example.org")
    town.org.edit(contact, {"city": "Salem", "mobile_phone": HOME})
    contact, patient = town.linked(city="Boston", email="f5@example.org", zip="02110")
    town.org.edit(contact, {"email": "theirs@example.org", "city": "Lynn"})
    town.practice.edit(patient, {"email": "ours@example.org", "zip": "01901"})
    contact, patient = town.linked(city="Boston", email="f7@example.org")
    town.org.edit(contact, {"city": None})
    town.practice.edit(patient, {"email": None})
    contact, _ = town.linked(email="second@example.org", city="Boston")
    town.org.edit(contact, {"city": None, "email": None})
    contact, _ = town.linked(mobile_phone=HOME, more=(OTHER,))  # a clear, with a number left behind
    town.org.edit(contact, {"mobile_phone": None})
    contact, patient = town.linked(mobile_phone=HOME)  # the mapped number is not the first of its type
    town.practice.edit(patient, phones=[("mobile", OTHER), ("mobile", HOME)])
    town.org.edit(contact, {"mobile_phone": THIRD})
    contact, patient = town.linked(membership_status="active")
    town.org.edit(contact, {"membership_status": "lapsed"}, peer_id=None, marked=False)
    _, patient = town.linked()
    town.practice.edit(patient, {"first_name": "Zoe", "birth_date": "1999-09-09"})
    contact, patient = town.linked(city="Boston")
    town.org.edit(contact, {"city": "Salem"})
    town.practice.faults.refused_records[patient] = "422"
    contact, _ = town.linked()
    town.org.delete(contact)
    town.linked(status=LinkStatus.SUSPENDED)
    town.linked(status=LinkStatus.FROZEN)
    taken = town.linked()[0]
    other = town.person()
    town.org.edit(taken, other)
    town.practice.put(other)
    town.practice.archive(town.linked()[1])


def fill(town: Town, several: int = 1) -> None:
    """Add everybody, the ordinary cases several times, and the trouble that the org makes with one field."""
    town.org.faults.refuse("middle_name", "INVALID_FIELD_FOR_INSERT_UPDATE")
    unlinked(town, several)
    already_linked(town)
