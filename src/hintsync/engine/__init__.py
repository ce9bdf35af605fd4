"""What hintsync does with its decisions: read both sides, plan, apply, remember."""
