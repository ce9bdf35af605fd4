"""Search for a person, while keys are pressed."""
