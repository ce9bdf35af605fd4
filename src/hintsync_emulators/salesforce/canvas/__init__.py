"""Canvas: another service's page inside Salesforce's own, and the signed request by which it knows who looks at what."""
