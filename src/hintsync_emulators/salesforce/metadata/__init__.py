"""Metadata of the org: components that are stored as files and change what the org is."""
