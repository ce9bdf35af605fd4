"""Bulk API 2.0: jobs whose work advances each time a client asks, never by itself."""
