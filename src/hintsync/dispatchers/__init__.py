"""Ways to wake workers: in this process, or over PostgreSQL on any host. They hold no work: the store's rows do."""
