"""Benchmarks, each with a floor or a peer in the same run: `python -m bench` runs all, `python -m bench NAME` one."""
