"""${message}."""

from alembic import op
import sqlalchemy as sa
${imports if imports else ""}
revision = ${repr(up_revision)}
down_revision = ${repr(down_revision)}
branch_labels = None
depends_on = None
# Oldest schema whose code may go on working on this one: the one before, if nothing is taken away or made stricter.
serves = ${repr(up_revision)}


def upgrade() -> None:
    ${upgrades if upgrades else "pass"}
