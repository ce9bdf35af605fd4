"""Live sync as a service: how soon an edit arrives, what a burst costs, what rest costs, what many workers do."""
