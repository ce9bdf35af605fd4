"""The audit trail as a whole: exported, and anchored in the org."""
