"""Batches over whole populations: what is known, who is who, what is carried out, what is planned in a dry run."""
