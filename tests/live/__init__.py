"""Live sync under every fault at once: histories, and an oracle that knows nothing of the engine."""
