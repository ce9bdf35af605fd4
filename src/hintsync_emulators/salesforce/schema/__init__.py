"""What the org knows of its objects and fields; nothing else in the emulator names a standard object's fields."""
