"""Writing records: what is checked, what is stamped, what is refused."""
