"""The parity check: the whole population compared by a way of its own, and the report signed."""
