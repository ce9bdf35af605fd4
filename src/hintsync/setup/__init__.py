"""How an org and a practice are looked at, connected, installed in, taken over and left again."""
