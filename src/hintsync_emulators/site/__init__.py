"""What the emulators' own pages share: how they are drawn, guarded and found. The pages are no part of any vendor's API."""
