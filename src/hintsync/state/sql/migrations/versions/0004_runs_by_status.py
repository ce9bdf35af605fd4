"""Runs by status: workers look each second for those that were ordered, however many have ended."""

from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None
serves = "0003"


def upgrade() -> None:
    op.create_index("ix_runs_connection_id_status", "runs", ["connection_id", "status"])
