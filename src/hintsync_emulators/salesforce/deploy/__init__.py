"""Metadata deployment: a zip in, a changed org out."""
