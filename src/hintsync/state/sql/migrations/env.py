"""Alembic's entry: runs the migrations in the transaction that `state.sql.schema` opened."""

from alembic import context

from hintsync.state.sql.tables import VERSION_TABLE, metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    compare_type=True,
    # SQLite cannot alter a column: Alembic then builds the table anew.
    render_as_batch=True,
)
with context.begin_transaction():
    context.run_migrations()
