"""What the pages of health and log need: counts by five minutes, living processes, incidents."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None
serves = "0002"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.add_column("log", sa.Column("incident", sa.Text(), nullable=True))
    op.create_table(
        "tallies",
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("word", KEY, nullable=False),
        sa.Column("side", KEY, nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_tallies_connection_id"),
        sa.PrimaryKeyConstraint("connection_id", "at", "word", "side", name="pk_tallies"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "processes",
        sa.Column("name", KEY, nullable=False),
        sa.Column("roles", sa.Text(), nullable=False),
        sa.Column("version", sa.Text(), nullable=False),
        sa.Column("started_at", sa.Float(), nullable=False),
        sa.Column("seen_at", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_processes"),
    )
