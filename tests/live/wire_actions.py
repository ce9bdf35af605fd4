"""Everything that may happen to both emulators and between them, as single steps over a `WireTown`."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from random import Random

from hintsync.core.records import FieldName, RecordId
from hintsync.core.values import Side
from hintsync.engine.batch.pairs import sync_all
from hintsync.engine.context import Engine
from hintsync.engine.detect.catch_up import catch_up
from hintsync.engine.detect.poll import poll_once
from hintsync.engine.pairs.by_hand import sync_by_hand
from hintsync.engine.parity.check import check_parity
from hintsync_emulators.control import Failure
from hintsync_emulators.hint.event_faults import EventFault
from tests.live.wire_town import WireTown

VALUES: Mapping[FieldName, tuple[str | None, ...]] = {
    "city": ("Alton", "Dover", "Lynn", None),
    "zip": ("02110", "01901", None),
    "email": ("ann@example.org", "moor@example.org", None),
    "last_name": ("Moor", "Hill", "Reed"),
    "mobile_phone": ("+14155550111", "+14155550122", None),
    "home_phone": ("+14155550133", "+14155550144", None),
}
#: Calls of a pass before which people edit: those that read both sides and write; before them fields are described.
_CALLS = range(4, 12)
#: How far the clock may jump, in seconds.
JUMPS = (5.0, 60.0, 4000.0, -30.0, -3600.0)


@dataclass(slots=True)
class WireActions:
    """The steps of one history; chance is handed in with each, so that whoever drives it decides."""

    town: WireTown
    #: What was done, to be read when something is wrong.
    told: list[str] = field(default_factory=list)
    _newcomers: int = 0

    def steps(self) -> dict[str, tuple[int, Callable[[Random], Awaitable[None]]]]:
        """Return every step with its weight."""
        return {
            "edit": (12, self.edit),
            "edit both alike": (1, self.edit_alike),
            "late write": (2, self.late_write),
            "commit late writes": (2, self.commit_late),
            "webhooks": (8, self.webhooks),
            "webhook faults": (3, self.webhook_faults),
            "follow": (8, self.follow),
            "event faults": (3, self.event_faults),
            "work": (10, self.work),
            "edit meanwhile": (6, self.edit_meanwhile),
            "die": (6, self.die),
            "failures": (5, self.failures),
            "lost reply": (3, self.lost_reply),
            "latency": (1, self.latency),
            "credential": (1, self.credential),
            "reconnect": (2, self.reconnect),
            "clock": (2, self.clock),
            "poll": (2, self.poll),
            "catch up": (1, self.catch_up),
            "pass over all": (1, self.pass_over_all),
            "by hand": (1, self.by_hand),
            "new patient": (1, self.newcomer),
            "delete or undelete": (1, self.delete_or_undelete),
            "destroy patient": (1, self.destroy),
        }

    async def step(self, name: str, chance: Random) -> None:
        """Do one thing."""
        self.told.append(name)
        await self.steps()[name][1](chance)

    def _crash(self, chance: Random) -> int | None:
        return chance.randrange(1, 60) if chance.random() < 0.2 else None

    def _record(self, side: Side, chance: Random) -> RecordId | None:
        ids = self.town.contacts() if side is Side.SALESFORCE else self.town.patients()
        return chance.choice(ids) if ids else None

    async def edit(self, chance: Random) -> None:
        """A person edits a field, often one that was edited on the other side just now."""
        await self._edit(chance, 0.4)

    async def _edit(self, chance: Random, crossing: float, *, in_pass: bool = False) -> None:
        town, side, name = self.town, chance.choice(list(Side)), chance.choice(list(VALUES))
        record_id = self._record(side, chance)
        waiting = list(town.oracle.open())
        if waiting and chance.random() < crossing:
            edit = waiting[-1] if in_pass else chance.choice(waiting)  # where the worker is about to write
            side, name, record_id = edit.side.other, edit.field, town.peer_of(edit.side, edit.record_id)
        if record_id and record_id in (town.contacts() if side is Side.SALESFORCE else town.patients()):
            await town.edit(side, record_id, name, chance.choice(VALUES[name]), in_pass=in_pass)

    async def edit_meanwhile(self, chance: Random) -> None:
        """An edit is being carried over, perhaps by a worker that dies, while people edit the same in the middle of it."""
        await self._edit(chance, 0.4)
        await self.town.webhooks()
        await self.town.follow()
        calls = chance.sample(_CALLS, chance.randrange(1, 3))
        self.town.meanwhile = dict.fromkeys(calls, lambda: self._edit(chance, 0.7, in_pass=True))
        await self.town.work(self._crash(chance))

    async def edit_alike(self, chance: Random) -> None:
        """The same edit on both sides."""
        contact = self._record(Side.SALESFORCE, chance)
        patient = self.town.peer_of(Side.SALESFORCE, contact) if contact else None
        if contact and patient and patient in self.town.patients():
            name = chance.choice(list(VALUES))
            value = chance.choice(VALUES[name])
            await self.town.edit(Side.SALESFORCE, contact, name, value)
            await self.town.edit(Side.HINT, patient, name, value)

    async def late_write(self, chance: Random) -> None:
        """Another user's write begins that is seen up to ten seconds later (T8)."""
        contact, name = self._record(Side.SALESFORCE, chance), chance.choice(list(VALUES))
        if contact:
            await self.town.begin_late(contact, name, chance.choice(VALUES[name]))

    async def commit_late(self, chance: Random) -> None:
        """Late writes are seen."""
        self.town.clock.push(chance.choice((0.0, 3.0, 10.0)))
        await self.town.commit_late()

    async def webhooks(self, _: Random) -> None:
        """The practice sends what is due."""
        await self.town.webhooks()

    async def webhook_faults(self, chance: Random) -> None:
        """The next webhooks are lost, doubled, late or out of order (T7)."""
        what = chance.choice(("drop", "double", "delay", "reorder", "none"))
        requests = self.town.practice.partner.requests
        if what == "none":
            requests.end_faults()
        else:
            seconds = chance.choice((1.0, 100_000.0)) if what == "delay" else 0.0
            requests.faults.append(EventFault(what, times=chance.randrange(1, 4), seconds=seconds))

    async def follow(self, chance: Random) -> None:
        """The subscriber reads the stream."""
        await self.town.follow(self._crash(chance))

    async def event_faults(self, chance: Random) -> None:
        """The next change events are lost, doubled, late or out of order; gaps, overflow, an expired position."""
        events, what = (
            self.town.org.events,
            chance.choice(("drop", "double", "delay", "reorder", "gap", "free", "over", "old")),
        )
        self.told[-1] += f" {what}"
        if what in ("drop", "double", "delay", "reorder", "gap"):
            setattr(events.faults, what, chance.randrange(1, 4))
        elif what == "free":
            events.release()
        elif what == "over":
            events.overflow("Contact")
        else:
            events.expire()

    async def work(self, _: Random) -> None:
        """A worker works."""
        await self.town.work()

    async def die(self, chance: Random) -> None:
        """A worker works and dies."""
        await self.town.work(chance.randrange(1, 90))

    def _side(self, chance: Random) -> list[Failure]:
        return chance.choice((self.town.hint, self.town.salesforce)).faults.fail_next

    async def failures(self, chance: Random) -> None:
        """Calls fail for a while, or do so no more (T16)."""
        failing = self._side(chance)
        status = chance.choice((503, 429, 500, 0, -1))
        if status < 0:
            failing.clear()
        elif status == 0:
            failing.append(Failure(drop=True, times=chance.randrange(1, 5)))
        else:
            failing.append(Failure(status=status, times=chance.randrange(1, 5), skip=chance.randrange(3)))

    async def lost_reply(self, chance: Random) -> None:
        """A write is carried out and its answer is lost (T6)."""
        match = chance.choice(("^PATCH ", "^POST "))
        self._side(chance).append(Failure(match=match, after_commit=True, drop=True, times=chance.randrange(1, 3)))

    async def latency(self, chance: Random) -> None:
        """Answers take a while."""
        chance.choice((self.town.hint, self.town.salesforce)).faults.latency_ms = chance.choice((0.0, 1.0))

    async def credential(self, chance: Random) -> None:
        """A credential expires or is revoked."""
        if chance.random() < 0.5:
            self.town.practice.revoke_token()
        else:
            self.town.org.expire_tokens()

    async def reconnect(self, _: Random) -> None:
        """An administrator connects anew, unless a system is in trouble."""
        if not self.town.hint.faults.fail_next and not self.town.salesforce.faults.fail_next:
            await self.town.reconnect()

    async def clock(self, chance: Random) -> None:
        """Time passes, or the clock is set back."""
        seconds = chance.choice(JUMPS)
        self.town.set_back -= min(seconds, 0.0)
        self.town.clock.push(seconds)

    async def poll(self, chance: Random) -> None:
        """A side is polled."""
        side = chance.choice(list(Side))

        async def poll(engine: Engine) -> None:
            if engine.replicas[side].capabilities.changed_since:
                await poll_once(engine, side)

        await self.town.attempt(poll, self._crash(chance))

    async def catch_up(self, chance: Random) -> None:
        """A side is caught up with."""
        side = chance.choice(list(Side))
        await self.town.attempt(lambda engine: catch_up(engine, side), self._crash(chance))

    async def pass_over_all(self, chance: Random) -> None:
        """A parity check, or a sync of all pairs."""
        await self.town.attempt(chance.choice((check_parity, sync_all)), self._crash(chance))

    async def by_hand(self, chance: Random) -> None:
        """A person syncs a pair."""
        if contact := self._record(Side.SALESFORCE, chance):
            await self.town.attempt(lambda engine: sync_by_hand(engine, Side.SALESFORCE, contact), self._crash(chance))

    async def newcomer(self, chance: Random) -> None:
        """Somebody registers; sometimes there is a contact of the same person."""
        self._newcomers += 1
        born = f"20{self._newcomers:02}-05-06"
        first = f"Nia{chr(64 + self._newcomers % 26)}"
        self.town.practice.create_patient(first_name=first, last_name="Vale", dob=born, address_city="Dover")
        if chance.random() < 0.5:
            self.town.org.insert("Contact", {"FirstName": first, "LastName": "Vale", "Birthdate": born})

    async def delete_or_undelete(self, chance: Random) -> None:
        """A contact is deleted, or one comes back."""
        gone = [str(row["Id"]) for row in self.town.org.rows("Contact", deleted=True) if row["IsDeleted"]]
        if gone:
            self.town.org.undelete("Contact", chance.choice(gone))
        elif contact := self._record(Side.SALESFORCE, chance):
            self.town.oracle.release(Side.SALESFORCE, contact, "deleted")
            self.town.org.delete("Contact", contact)

    async def destroy(self, chance: Random) -> None:
        """A patient is deleted for good."""
        patients = self.town.patients()
        if len(patients) > 2:
            patient = chance.choice(patients)
            self.town.oracle.release(Side.HINT, patient, "destroyed")
            self.town.practice.destroy(patient)
