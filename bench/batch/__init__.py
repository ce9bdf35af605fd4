"""The batch from patients to contacts against a bare client and a hand-written script; see `bench.batch.run`."""
