"""Encrypted copies of everything that hintsync remembers, taken while it works, and the way back (decisions 0097 and 0099)."""
