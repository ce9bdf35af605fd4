"""The copy of the log in the org."""
