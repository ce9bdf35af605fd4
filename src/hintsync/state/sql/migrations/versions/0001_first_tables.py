"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None
serves = "0001"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
SERIAL = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    _create_connections()
    _create_links()
    _create_runs()
    _create_reviews()
    _create_audit()
    _create_log()


def _create_connections() -> None:
    op.create_table(
        "keyring",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("root", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_keyring"),
    )
    op.create_table(
        "connections",
        sa.Column("id", KEY, nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("org_id", sa.Text(), nullable=False),
        sa.Column("org_sandbox", sa.Boolean(), nullable=False),
        sa.Column("practice_id", sa.Text(), nullable=False),
        sa.Column("settings", sa.Text(), nullable=False),
        sa.Column("facts", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
    )
    op.create_table(
        "secrets",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("token", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_secrets_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "name", name="pk_secrets"),
    )
    op.create_table(
        "cursors",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("name", KEY, nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_cursors_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "name", name="pk_cursors"),
    )
    op.create_table(
        "calls",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("side", KEY, nullable=False),
        sa.Column("day", KEY, nullable=False),
        sa.Column("calls", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_calls_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "side", "day", name="pk_calls"),
    )


def _create_links() -> None:
    op.create_table(
        "links",
        sa.Column("id", KEY, nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("contact_id", KEY, nullable=True),
        sa.Column("patient_id", KEY, nullable=True),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("origin", sa.Text(), nullable=False),
        sa.Column("decided_by", sa.Text(), nullable=False),
        sa.Column("salt", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("base", sa.LargeBinary(), nullable=False),
        sa.Column("holds", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_links_connection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_links"),
    )
    op.create_index("ix_links_connection_id_id", "links", ["connection_id", "id"], unique=False)
    op.create_index(
        "uq_links_live_contact",
        "links",
        ["connection_id", "contact_id"],
        unique=True,
        sqlite_where=sa.text("status != 'ended'"),
        postgresql_where=sa.text("status != 'ended'"),
    )
    op.create_index(
        "uq_links_live_patient",
        "links",
        ["connection_id", "patient_id"],
        unique=True,
        sqlite_where=sa.text("status != 'ended'"),
        postgresql_where=sa.text("status != 'ended'"),
    )
    op.create_table(
        "declined_pairs",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("contact_id", KEY, nullable=False),
        sa.Column("patient_id", KEY, nullable=False),
        sa.Column("declined_by", sa.Text(), nullable=False),
        sa.Column("declined_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_declined_pairs_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "contact_id", "patient_id", name="pk_declined_pairs"),
    )


def _create_runs() -> None:
    op.create_table(
        "runs",
        sa.Column("number", SERIAL, autoincrement=True, nullable=False),
        sa.Column("id", KEY, nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("dry", sa.Boolean(), nullable=False),
        sa.Column("started_at", sa.Text(), nullable=False),
        sa.Column("started_by", sa.Text(), nullable=False),
        sa.Column("finished_at", sa.Text(), nullable=True),
        sa.Column("total", sa.BigInteger(), nullable=True),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("seal", sa.Text(), nullable=True),
        sa.Column("worker", sa.Text(), nullable=True),
        sa.Column("leased_until", sa.Float(), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_runs_connection_id"),
        sa.PrimaryKeyConstraint("number", name="pk_runs"),
        sa.UniqueConstraint("id", name="uq_runs_id"),
    )
    op.create_index("ix_runs_connection_id_number", "runs", ["connection_id", "number"], unique=False)
    op.create_table(
        "run_rows",
        sa.Column("run_id", KEY, nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("side", sa.Text(), nullable=False),
        sa.Column("record_id", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("rule", sa.Text(), nullable=False),
        sa.Column("peers", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("written", sa.Text(), nullable=True),
        sa.Column("held", sa.Text(), nullable=True),
        sa.Column("prints", sa.Text(), nullable=True),
        sa.Column("versions", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["runs.id"], name="fk_run_rows_run_id"),
        sa.PrimaryKeyConstraint("run_id", "position", name="pk_run_rows"),
        sqlite_with_rowid=False,
    )


def _create_reviews() -> None:
    op.create_table(
        "reviews",
        sa.Column("id", KEY, nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("kind", KEY, nullable=False),
        sa.Column("side", KEY, nullable=False),
        sa.Column("record_id", KEY, nullable=False),
        sa.Column("field_name", KEY, nullable=False),
        sa.Column("opened_at", KEY, nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("candidates", sa.Text(), nullable=False),
        sa.Column("details", sa.Text(), nullable=False),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.Text(), nullable=True),
        sa.Column("decided_by", sa.Text(), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_reviews_connection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_reviews"),
    )
    op.create_index(
        "ix_reviews_connection_id_status", "reviews", ["connection_id", "status", "opened_at", "id"], unique=False
    )
    op.create_index(
        "uq_reviews_open_subject",
        "reviews",
        ["connection_id", "record_id", "kind", "side", "field_name"],
        unique=True,
        sqlite_where=sa.text("status = 'open'"),
        postgresql_where=sa.text("status = 'open'"),
    )


def _create_audit() -> None:
    op.create_table(
        "audit",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("chain", KEY, nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("previous", sa.Text(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_audit_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "sequence", name="pk_audit"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_connection_id_chain", "audit", ["connection_id", "chain", "sequence"], unique=False)
    op.create_table(
        "audit_sequences",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("last", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_audit_sequences_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", name="pk_audit_sequences"),
    )
    op.create_table(
        "audit_heads",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("chain", KEY, nullable=False),
        sa.Column("sequence", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("length", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_audit_heads_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "chain", name="pk_audit_heads"),
        sqlite_with_rowid=False,
    )


def _create_log() -> None:
    op.create_table(
        "log",
        sa.Column("id", SERIAL, autoincrement=True, nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("at", KEY, nullable=False),
        sa.Column("level", sa.Text(), nullable=False),
        sa.Column("event", sa.Text(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Text(), nullable=True),
        sa.Column("patient_id", sa.Text(), nullable=True),
        sa.Column("run_id", sa.Text(), nullable=True),
        sa.Column("fields", sa.Text(), nullable=True),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_log_connection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_log"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_log_connection_id_id", "log", ["connection_id", "id"], unique=False)
    op.create_index("ix_log_run_id_id", "log", ["run_id", "id"], unique=False)
