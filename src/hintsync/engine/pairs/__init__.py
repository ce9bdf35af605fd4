"""One pair: how it is planned, written and remembered, and what a person does with it."""
