"""The demo: the main job on both emulators, and a check through the two APIs that trusts nothing of ours."""
