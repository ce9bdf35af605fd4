"""What the service answers over HTTP: Hint's webhooks, health, readiness and metrics."""
