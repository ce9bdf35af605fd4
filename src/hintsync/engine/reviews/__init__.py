"""What waits for a person, and what is done once somebody has decided."""
