"""The store on SQLAlchemy Core: SQLite by default, PostgreSQL by URL, one code for both."""
