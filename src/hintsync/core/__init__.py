"""The decisions of hintsync as pure functions over frozen records: no network, file, clock, environment or logging."""
