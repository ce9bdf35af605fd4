"""API versions that are served at once."""

FIRST_VERSION, LAST_VERSION = 50, 68
