"""Looks at an org before anything is put into it: what must be so, what a person should know, and what to do about it."""
