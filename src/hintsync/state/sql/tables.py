"""The tables: ids, field names, codes and fingerprints; not one column that could hold a person's data.

Text that is a key or an order is collated by code point on both databases, so that pages come in the same order.
JSON is kept as text that the store writes and reads itself, so that both databases give back the same.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    Table,
    Text,
    UniqueConstraint,
    literal_column,
    text,
)
from sqlalchemy.types import TypeEngine

#: The latest of `migrations/versions`; all of them together make exactly these tables.
HEAD = "0005"

#: Name of Alembic's own table; ours, so that a database may be shared.
VERSION_TABLE = "hintsync_schema"

metadata = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    }
)


def _key() -> TypeEngine[str]:
    return Text().with_variant(Text(collation="C"), "postgresql")


def _serial() -> TypeEngine[int]:
    # Only INTEGER PRIMARY KEY counts by itself on SQLite.
    return BigInteger().with_variant(Integer(), "sqlite")


def _connection(*, primary_key: bool = False) -> Column[str]:
    return Column("connection_id", _key(), ForeignKey("connections.id"), nullable=False, primary_key=primary_key)


def _text(name: str) -> Column[str]:
    return Column(name, Text(), nullable=False)


def _maybe(name: str) -> Column[str]:
    return Column(name, Text(), nullable=True)


#: One row: the root of all fingerprint keys, encrypted under the master key; its lock makes changes of keys take turns.
keyring = Table(
    "keyring",
    metadata,
    Column("id", Integer(), primary_key=True, autoincrement=False),
    Column("root", LargeBinary(), nullable=False),
)

connections = Table(
    "connections",
    metadata,
    Column("id", _key(), primary_key=True),
    _text("name"),
    _text("org_id"),
    Column("org_sandbox", Boolean(), nullable=False),
    _text("practice_id"),
    _text("settings"),
    _text("facts"),
)

#: Keys that seal a connection's secrets, each wrapped by a master key; the highest generation seals what is stored from now on.
data_keys = Table(
    "data_keys",
    metadata,
    Column("id", _key(), primary_key=True),
    _connection(),
    Column("generation", Integer(), nullable=False),
    Column("wrapped", LargeBinary(), nullable=False),
    _text("made_at"),
    Index("uq_data_keys_generation", "connection_id", "generation", unique=True),
)

#: A token names the data key that sealed it.
secrets = Table(
    "secrets",
    metadata,
    _connection(primary_key=True),
    Column("name", _key(), primary_key=True),
    Column("token", LargeBinary(), nullable=False),
)

#: A link with its memory: the base is packed (`state.packing`), holds are JSON, so that one row is all a link costs.
links = Table(
    "links",
    metadata,
    Column("id", _key(), primary_key=True),
    _connection(),
    Column("contact_id", _key(), nullable=True),
    Column("patient_id", _key(), nullable=True),
    _text("status"),
    _text("origin"),
    _text("decided_by"),
    Column("salt", LargeBinary(), nullable=False),
    _text("created_at"),
    _maybe("reason"),
    Column("revision", Integer(), nullable=False),
    Column("base", LargeBinary(), nullable=False),
    _text("holds"),
    Index("ix_links_connection_id_id", "connection_id", "id"),
)

#: Said with a literal, not a parameter: only so may SQLite use the partial indexes below.
LIVE = links.c.status != literal_column("'ended'")
_LIVE_TEXT = text("status != 'ended'")

Index(
    "uq_links_live_contact",
    links.c.connection_id,
    links.c.contact_id,
    unique=True,
    sqlite_where=_LIVE_TEXT,
    postgresql_where=_LIVE_TEXT,
)
Index(
    "uq_links_live_patient",
    links.c.connection_id,
    links.c.patient_id,
    unique=True,
    sqlite_where=_LIVE_TEXT,
    postgresql_where=_LIVE_TEXT,
)

declined_pairs = Table(
    "declined_pairs",
    metadata,
    _connection(primary_key=True),
    Column("contact_id", _key(), primary_key=True),
    Column("patient_id", _key(), primary_key=True),
    _text("declined_by"),
    _text("declined_at"),
)

runs = Table(
    "runs",
    metadata,
    #: Order of starting.
    Column("number", _serial(), primary_key=True, autoincrement=True),
    Column("id", _key(), nullable=False),
    _connection(),
    _text("kind"),
    _text("status"),
    Column("dry", Boolean(), nullable=False),
    _text("started_at"),
    _text("started_by"),
    _maybe("finished_at"),
    Column("total", BigInteger(), nullable=True),
    Column("done", BigInteger(), nullable=False),
    _maybe("reason"),
    _text("details"),
    _maybe("seal"),
    _maybe("worker"),
    Column("leased_until", Float(), nullable=False),
    _maybe("approved_by"),
    UniqueConstraint("id"),
    Index("ix_runs_connection_id_number", "connection_id", "number"),
    #: Workers look each second for runs that were ordered.
    Index("ix_runs_connection_id_status", "connection_id", "status"),
)

#: Clustered by position on SQLite: rows come and are read in that order. Empty JSON is NULL.
run_rows = Table(
    "run_rows",
    metadata,
    Column("run_id", _key(), ForeignKey("runs.id"), nullable=False),
    Column("position", BigInteger(), nullable=False),
    _text("side"),
    _text("record_id"),
    _text("outcome"),
    _text("rule"),
    _maybe("peers"),
    _maybe("reason"),
    _maybe("written"),
    _maybe("held"),
    _maybe("prints"),
    _maybe("versions"),
    PrimaryKeyConstraint("run_id", "position"),
    sqlite_with_rowid=False,
)

reviews = Table(
    "reviews",
    metadata,
    Column("id", _key(), primary_key=True),
    _connection(),
    Column("kind", _key(), nullable=False),
    Column("side", _key(), nullable=False),
    Column("record_id", _key(), nullable=False),
    Column("field_name", _key(), nullable=False),
    Column("opened_at", _key(), nullable=False),
    _text("status"),
    _text("candidates"),
    _text("details"),
    _maybe("run_id"),
    _maybe("decided_at"),
    _maybe("decided_by"),
    _maybe("decision"),
    Index("ix_reviews_connection_id_status", "connection_id", "status", "opened_at", "id"),
)

_OPEN_TEXT = text("status = 'open'")
OPEN = reviews.c.status == literal_column("'open'")

Index(
    "uq_reviews_open_subject",
    reviews.c.connection_id,
    reviews.c.record_id,
    reviews.c.kind,
    reviews.c.side,
    reviews.c.field_name,
    unique=True,
    sqlite_where=_OPEN_TEXT,
    postgresql_where=_OPEN_TEXT,
)

#: The events, each as the text that was hashed.
audit = Table(
    "audit",
    metadata,
    _connection(),
    Column("sequence", BigInteger(), nullable=False),
    Column("chain", _key(), nullable=False),
    _text("event"),
    _text("previous"),
    _text("hash"),
    PrimaryKeyConstraint("connection_id", "sequence"),
    Index("ix_audit_connection_id_chain", "connection_id", "chain", "sequence"),
    sqlite_with_rowid=False,
)

#: One row a connection: the last sequence given. Its lock makes writers of a connection's audit take turns.
audit_sequences = Table(
    "audit_sequences",
    metadata,
    _connection(primary_key=True),
    Column("last", BigInteger(), nullable=False),
)

#: One row a chain: its end.
audit_heads = Table(
    "audit_heads",
    metadata,
    _connection(),
    Column("chain", _key(), nullable=False),
    Column("sequence", BigInteger(), nullable=False),
    _text("hash"),
    Column("length", BigInteger(), nullable=False),
    PrimaryKeyConstraint("connection_id", "chain"),
    sqlite_with_rowid=False,
)

log = Table(
    "log",
    metadata,
    Column("id", _serial(), primary_key=True, autoincrement=True),
    _connection(),
    Column("at", _key(), nullable=False),
    _text("level"),
    _text("event"),
    _text("message"),
    _maybe("contact_id"),
    _maybe("patient_id"),
    _maybe("run_id"),
    _maybe("fields"),
    _maybe("incident"),
    Index("ix_log_connection_id_id", "connection_id", "id"),
    Index("ix_log_run_id_id", "run_id", "id"),
    # An id is never given twice, even after everything was pruned.
    sqlite_autoincrement=True,
)

cursors = Table(
    "cursors",
    metadata,
    _connection(primary_key=True),
    Column("name", _key(), primary_key=True),
    _text("value"),
)

#: Calls sent to a side on a UTC day.
calls = Table(
    "calls",
    metadata,
    _connection(primary_key=True),
    Column("side", _key(), primary_key=True),
    Column("day", _key(), primary_key=True),
    Column("calls", BigInteger(), nullable=False),
)

#: Records that must be read again, one row a record. `state` says where claims look: "ready" (free or leased), "later"
#: (put off; made ready by the first claim after it is due), "parked" (waits for a person).
dirty = Table(
    "dirty",
    metadata,
    _connection(),
    Column("side", _key(), nullable=False),
    Column("record_id", _key(), nullable=False),
    Column("state", _key(), nullable=False),
    Column("lane", Integer(), nullable=False),
    _text("cause"),
    Column("since", Float(), nullable=False),
    Column("due", Float(), nullable=False),
    Column("attempts", Integer(), nullable=False),
    Column("revision", BigInteger(), nullable=False),
    Column("worker", _key(), nullable=True),
    Column("leased_until", Float(), nullable=False),
    _maybe("parked"),
    Column("again", Float(), nullable=True),
    PrimaryKeyConstraint("connection_id", "side", "record_id"),
    sqlite_with_rowid=False,
    # Room for what claims and renewals change: a row that stays on its page costs its indexes less.
    postgresql_with={"fillfactor": 70},
)

#: Said with literals, as LIVE is.
IS_READY = dirty.c.state == literal_column("'ready'")
IS_LATER = dirty.c.state == literal_column("'later'")
IS_LEASED = dirty.c.worker.is_not(None)


def _dirty_index(name: str, *columns: str, where: str) -> None:
    condition = text(where)
    Index(name, *(dirty.c[each] for each in columns), sqlite_where=condition, postgresql_where=condition)


# In the order of claims, so that one reads no more rows than it takes.
_dirty_index("ix_dirty_claim", "connection_id", "lane", "since", where="state = 'ready'")
_dirty_index("ix_dirty_later", "connection_id", "due", where="state = 'later'")
_dirty_index("ix_dirty_worker", "connection_id", "worker", where="worker IS NOT NULL")

#: Ids of events that were taken in.
inbox = Table(
    "inbox",
    metadata,
    _connection(),
    Column("event_id", _key(), nullable=False),
    Column("at", Float(), nullable=False),
    PrimaryKeyConstraint("connection_id", "event_id"),
    sqlite_with_rowid=False,
)

#: One row a leased link; `pending` is JSON: side to field to fingerprint in hexadecimal.
link_leases = Table(
    "link_leases",
    metadata,
    _connection(),
    Column("link_id", _key(), nullable=False),
    Column("worker", _key(), nullable=False),
    Column("leased_until", Float(), nullable=False),
    _maybe("pending"),
    PrimaryKeyConstraint("connection_id", "link_id"),
    sqlite_with_rowid=False,
)

#: What workers were about to write, packed (`state.packing`).
intents = Table(
    "intents",
    metadata,
    Column("id", _serial(), primary_key=True, autoincrement=True),
    _connection(),
    Column("link_id", _key(), nullable=False),
    Column("side", _key(), nullable=False),
    Column("at", Float(), nullable=False),
    Column("prints", LargeBinary(), nullable=False),
    Index("ix_intents_connection_id_at", "connection_id", "at", "id"),
    Index("ix_intents_connection_id_link_id", "connection_id", "link_id", "at"),
)

#: Stops in force; the side is "" where a stop holds back all automatic writes.
stops = Table(
    "stops",
    metadata,
    _connection(primary_key=True),
    Column("guard", _key(), primary_key=True),
    Column("side", _key(), primary_key=True),
    _text("reason"),
    Column("at", _key(), nullable=False),
    _maybe("run_id"),
)

#: Patients that were there when we connected.
known_patients = Table(
    "known_patients",
    metadata,
    _connection(),
    Column("patient_id", _key(), nullable=False),
    PrimaryKeyConstraint("connection_id", "patient_id"),
    sqlite_with_rowid=False,
)

#: Counts by slots of five minutes; the side is "" where something has none.
tallies = Table(
    "tallies",
    metadata,
    _connection(),
    Column("at", BigInteger(), nullable=False),
    Column("word", _key(), nullable=False),
    Column("side", _key(), nullable=False),
    Column("number", BigInteger(), nullable=False),
    PrimaryKeyConstraint("connection_id", "at", "word", "side"),
    sqlite_with_rowid=False,
)

#: Processes of the service that were alive lately, over all connections; roles with a space between them.
processes = Table(
    "processes",
    metadata,
    Column("name", _key(), primary_key=True),
    _text("roles"),
    _text("version"),
    Column("started_at", Float(), nullable=False),
    Column("seen_at", Float(), nullable=False),
)

#: One row a shared schedule (`state.pace`). Not logged on PostgreSQL: what a crash of the server loses is a place or two.
paces = Table(
    "paces",
    metadata,
    Column("name", _key(), primary_key=True),
    Column("next_at", Float(), nullable=False),
    Column("held_until", Float(), nullable=False),
    Column("at", Float(), nullable=False),
)
