"""What live sync remembers: the dirty set, the inbox, leases, intents, stops, known patients and shared paces."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None
serves = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_dirty()
    _create_leases()
    _create_intents()
    _create_stops()
    _create_known_patients()
    _create_paces()


def _create_dirty() -> None:
    op.create_table(
        "dirty",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("side", KEY, nullable=False),
        sa.Column("record_id", KEY, nullable=False),
        sa.Column("state", KEY, nullable=False),
        sa.Column("lane", sa.Integer(), nullable=False),
        sa.Column("cause", sa.Text(), nullable=False),
        sa.Column("since", sa.Float(), nullable=False),
        sa.Column("due", sa.Float(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("revision", sa.BigInteger(), nullable=False),
        sa.Column("worker", KEY, nullable=True),
        sa.Column("leased_until", sa.Float(), nullable=False),
        sa.Column("parked", sa.Text(), nullable=True),
        sa.Column("again", sa.Float(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_dirty_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "side", "record_id", name="pk_dirty"),
        sqlite_with_rowid=False,
        postgresql_with={"fillfactor": 70},
    )
    _index("ix_dirty_claim", ["connection_id", "lane", "since"], where="state = 'ready'")
    _index("ix_dirty_later", ["connection_id", "due"], where="state = 'later'")
    _index("ix_dirty_worker", ["connection_id", "worker"], where="worker IS NOT NULL")
    op.create_table(
        "inbox",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("event_id", KEY, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_inbox_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "event_id", name="pk_inbox"),
        sqlite_with_rowid=False,
    )


def _index(name: str, columns: list[str], *, where: str) -> None:
    op.create_index(name, "dirty", columns, sqlite_where=sa.text(where), postgresql_where=sa.text(where))


def _create_leases() -> None:
    op.create_table(
        "link_leases",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("link_id", KEY, nullable=False),
        sa.Column("worker", KEY, nullable=False),
        sa.Column("leased_until", sa.Float(), nullable=False),
        sa.Column("pending", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_link_leases_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "link_id", name="pk_link_leases"),
        sqlite_with_rowid=False,
    )


def _create_intents() -> None:
    op.create_table(
        "intents",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("link_id", KEY, nullable=False),
        sa.Column("side", KEY, nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.Column("prints", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_intents_connection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_intents"),
    )
    op.create_index("ix_intents_connection_id_at", "intents", ["connection_id", "at", "id"])
    op.create_index("ix_intents_connection_id_link_id", "intents", ["connection_id", "link_id", "at"])


def _create_stops() -> None:
    op.create_table(
        "stops",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("guard", KEY, nullable=False),
        sa.Column("side", KEY, nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_stops_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "guard", "side", name="pk_stops"),
    )


def _create_known_patients() -> None:
    op.create_table(
        "known_patients",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("patient_id", KEY, nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_known_patients_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "patient_id", name="pk_known_patients"),
        sqlite_with_rowid=False,
    )


def _create_paces() -> None:
    op.create_table(
        "paces",
        sa.Column("name", KEY, nullable=False),
        sa.Column("next_at", sa.Float(), nullable=False),
        sa.Column("held_until", sa.Float(), nullable=False),
        sa.Column("at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_paces"),
    )
    if op.get_bind().dialect.name == "postgresql":
        # Every request takes a place: without a log entry that costs no wait for the disk.
        op.execute("ALTER TABLE paces SET UNLOGGED")
