"""HTTP: requests in, answers out, and which handler stands between."""
