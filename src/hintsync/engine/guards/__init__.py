"""The guards G1 to G8: what stops or slows writing, and what a person does about it."""
