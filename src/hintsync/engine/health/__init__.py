"""How a connection is doing, and who must be told."""
