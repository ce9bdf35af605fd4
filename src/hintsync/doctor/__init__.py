"""Looks an installation and its connections over, and says of each thing how it is and what to do about it."""
