"""How a change is heard of, and what of it becomes a dirty record."""
