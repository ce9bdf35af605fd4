"""The channel of change events, as a package of its own: an org without change data capture refuses it, and works by polling."""
