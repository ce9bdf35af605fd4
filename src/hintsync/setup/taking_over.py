"""Takes over from another integration between the same org and practice, such as Hint's own package (M21).

Two integrations would write against each other. So while another one is installed and nobody has said that it was ended, all
automatic work stands still. Its links are imported by the patient's id that it wrote on contacts: the id goes into our own
field, and from there the pair is found again as after a lost store (row R), where nobody's value is overwritten.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

from hintsync.bootstrap import Service
from hintsync.core.errors import BadInput, RetryLater
from hintsync.core.records import RecordId, RecordState
from hintsync.core.values import Side
from hintsync.doctor.known import Known, Unknown, Why, learn
from hintsync.engine.context import Engine
from hintsync.engine.guards.stops import OTHER, Desk, ensure_pinned, lift, trip
from hintsync.logins import SALESFORCE_LOGIN, has_ended, unpack_login
from hintsync.ports import Bookkeeping, Update, WriteMode, Written
from hintsync.replicas.salesforce.client import SalesforceClient
from hintsync.replicas.salesforce.org_setup import contact_labels, installed_packages
from hintsync.replicas.salesforce.other_sync import OtherSync, find_other_sync
from hintsync.replicas.salesforce.package_fields import PATIENT_ID
from hintsync.replicas.salesforce.query import rows
from hintsync.setup.installation import open_org
from hintsync.state.live import Stop
from hintsync.state.port import AuditEvent, Commit, Connection, Json, LogEntry, LogLevel

#: Fact of a connection: which other integration a person said was ended, who and when.
ENDED_FACT = "other_integration_ended"
#: Seconds that the org may take to answer one question.
_PATIENCE = 30.0
#: Contacts that are written, or looked up in the store, at a time.
_AT_ONCE = 1000


@dataclass(frozen=True, slots=True)
class Links:
    """What the other integration's links are to us, by contact; ids only."""

    #: Contact -> patient: to be imported, or imported.
    imported: Mapping[RecordId, RecordId]
    #: Contacts that show the same patient already.
    known: tuple[RecordId, ...] = ()
    #: Contacts that show another patient in our own field, or that we have linked: theirs is left alone.
    ours: tuple[RecordId, ...] = ()
    #: Contacts whose patient is not in the practice.
    unknown: tuple[RecordId, ...] = ()
    #: Contacts that share a patient with another contact: a person must say which one it is.
    shared: tuple[RecordId, ...] = ()
    #: Contacts that Salesforce did not let us write, with its code.
    refused: Mapping[RecordId, str] = field(default_factory=dict)

    @property
    def left(self) -> int:
        """Contacts with a link of theirs that a person should look at."""
        return len(self.ours) + len(self.unknown) + len(self.shared) + len(self.refused)


async def find_other(service: Service, connection: Connection) -> Known[OtherSync | None]:
    """Ask the org of a connection for another integration. Two calls."""
    stored = await service.store.secret(connection.id, SALESFORCE_LOGIN)
    if stored is None:
        return None
    async with open_org(service, unpack_login(stored)) as client:
        return await _find(client)


async def keep_apart(service: Service, connection: Connection, actor: str = "hintsync") -> OtherSync | None:
    """Stop all automatic work while another integration is installed that nobody said was ended; return what stands in the way.

    It goes on by itself once that integration is uninstalled. What our user may not see changes nothing.

    Raises:
        RetryLater: the org does not answer.
    """
    connection = await service.store.connection(connection.id) or connection
    if has_ended(connection.facts):
        return None
    found = await find_other(service, connection)
    connection = await service.store.connection(connection.id) or connection  # somebody may have answered meanwhile
    desk = Desk(connection, service.store, service.clock, actor)
    if isinstance(found, Unknown):
        if found.why is Why.SILENT:
            raise RetryLater(Side.SALESFORCE, found.words)
        return None
    if found is None or was_ended(connection, found):
        await lift(desk, OTHER, None)
        return None
    await trip(desk, Stop(connection.id, OTHER, None, reason_of(found), desk.now()))
    return found


async def end_other(service: Service, connection: Connection, actor: str) -> OtherSync:
    """Note that a person has ended the other integration in Hint, and let automatic work go on.

    Raises:
        BadInput: none is installed.
    """
    found = await find_other(service, connection)
    desk = Desk(connection, service.store, service.clock, actor)
    if found is None or isinstance(found, Unknown):
        raise BadInput("the org shows no other integration with Hint; there is nothing to take over from")
    stored = await service.store.connection(connection.id) or connection  # others may have learned something meanwhile
    fact: dict[str, Json] = {"namespace": found.namespace, "name": found.name, "by": actor, "at": desk.now()}
    await service.store.put_connection(replace(stored, facts={**stored.facts, ENDED_FACT: fact}))
    await _tell(desk, "other-integration-ended", f"{found.title} was ended in Hint, says {actor}")
    await lift(desk, OTHER, None)
    return found


async def import_links(service: Service, engine: Engine, *, dry_run: bool = False) -> Links:
    """Write the patients' ids of the other integration into our own field, where it is empty; done again, nothing changes.

    Args:
        service: the installation.
        engine: both systems; its org is the one that is asked.
        dry_run: only say what would be written.

    Raises:
        BadInput: there is no other integration, or our user does not see its field.
        SafetyStop: these are not the pinned systems (guard G1).
    """
    await ensure_pinned(engine)
    found = await find_other(service, engine.connection)
    if found is None or isinstance(found, Unknown):
        raise BadInput("the org shows no other integration with Hint; there is nothing to take over from")
    if not found.patient_id_field:
        raise BadInput(
            f"our user does not see the field of {found.title} that holds the patient's id; let it read that field"
        )
    links = await _sorted(engine, await _theirs(service, engine.connection, found))
    if dry_run:
        return links
    done = await _write(engine, links)
    reason = f"{len(done.imported)} links of {found.title}, {done.left} left to people"
    await _tell(Desk(engine.connection, engine.store, engine.clock, engine.actor), "links-imported", reason)
    return done


def reason_of(found: OtherSync) -> str:
    """Say why nothing runs beside another integration."""
    return f"{found.title} is installed in the org: two integrations with Hint would write against each other"


def was_ended(connection: Connection, found: OtherSync) -> bool:
    """Say whether a person has said that another integration was ended in Hint."""
    fact = connection.facts.get(ENDED_FACT)
    return isinstance(fact, dict) and fact.get("namespace") == found.namespace


async def _find(client: SalesforceClient) -> Known[OtherSync | None]:
    labels = await learn(contact_labels(client), _PATIENCE)
    packages = await learn(installed_packages(client), _PATIENCE)
    if isinstance(labels, Unknown):
        return labels
    found = find_other_sync(labels, () if isinstance(packages, Unknown) else packages)
    return packages if found is None and isinstance(packages, Unknown) else found


async def _theirs(service: Service, connection: Connection, found: OtherSync) -> list[tuple[RecordId, RecordId, str]]:
    """Return contact, their patient's id and ours, of every contact that they have linked."""
    stored = await service.store.secret(connection.id, SALESFORCE_LOGIN)
    assert stored is not None, "an engine is open"
    theirs = found.patient_id_field
    soql = f"SELECT Id, {theirs}, {PATIENT_ID} FROM Contact WHERE {theirs} != null"
    async with open_org(service, unpack_login(stored)) as client:
        told = await rows(client, soql, "read the links of the other integration")
    return [(str(row["Id"]), str(row[theirs]).strip(), str(row[PATIENT_ID] or "")) for row in told]


async def _sorted(engine: Engine, theirs: Sequence[tuple[RecordId, RecordId, str]]) -> Links:
    """Tell the links apart by what may become of them."""
    patients = await _patients(engine)
    linked = await _linked(engine, [contact for contact, _, _ in theirs])
    claims = Counter(patient for _, patient, _ in theirs)
    imported: dict[RecordId, RecordId] = {}
    known, ours, unknown, shared = list[str](), list[str](), list[str](), list[str]()
    for contact, patient, shown in theirs:
        if shown == patient:
            known.append(contact)
        elif shown or contact in linked:
            ours.append(contact)
        elif patient not in patients:
            unknown.append(contact)
        elif claims[patient] > 1:
            shared.append(contact)
        else:
            imported[contact] = patient
    return Links(imported, tuple(known), tuple(ours), tuple(unknown), tuple(shared))


async def _patients(engine: Engine) -> set[RecordId]:
    """Return the ids of all patients that can be linked; archived ones can."""
    gone = (RecordState.DELETED, RecordState.MERGED)
    return {row.id async for page in engine.hint.scan_keys() for row in page if row.state not in gone}


async def _linked(engine: Engine, contacts: Sequence[RecordId]) -> set[RecordId]:
    found: set[RecordId] = set()
    for first in range(0, len(contacts), _AT_ONCE):
        group = contacts[first : first + _AT_ONCE]
        found |= (await engine.store.live_links(engine.connection.id, Side.SALESFORCE, group)).keys()
    return found


async def _write(engine: Engine, links: Links) -> Links:
    written: dict[RecordId, RecordId] = {}
    refused: dict[RecordId, str] = {}
    pairs = list(links.imported.items())
    for first in range(0, len(pairs), _AT_ONCE):
        group = pairs[first : first + _AT_ONCE]
        updates = [Update(contact, {}, None, Bookkeeping(peer_id=patient)) for contact, patient in group]
        for answer in await engine.salesforce.update(updates, WriteMode.BATCH):
            if isinstance(answer, Written):
                written[answer.record_id] = links.imported[answer.record_id]
            else:
                refused[answer.record_id] = str(getattr(answer, "code", type(answer).__name__))
    return replace(links, imported=written, refused=refused)


async def _tell(desk: Desk, action: str, reason: str) -> None:
    audit = AuditEvent(
        connection_id=desk.connection.id,
        chain="connection",
        at=desk.now(),
        actor=desk.actor,
        action=action,
        side=Side.SALESFORCE,
        reason=reason,
    )
    entry = LogEntry(desk.connection.id, desk.now(), LogLevel.DEBUG, action, reason)
    await desk.store.commit(Commit(audits=[audit], logs=[entry]))
