"""A key of its own for each connection's secrets, wrapped by the master key.

Code of 0004 would go on with these tables until the first secret is stored that a data key seals, and could not read that one.
"""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None
serves = "0005"

KEY = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")


def upgrade() -> None:
    op.create_table(
        "data_keys",
        sa.Column("id", KEY, nullable=False),
        sa.Column("connection_id", KEY, nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("wrapped", sa.LargeBinary(), nullable=False),
        sa.Column("made_at", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(["connection_id"], ["connections.id"], name="fk_data_keys_connection_id"),
        sa.PrimaryKeyConstraint("id", name="pk_data_keys"),
    )
    op.create_index("uq_data_keys_generation", "data_keys", ["connection_id", "generation"], unique=True)
