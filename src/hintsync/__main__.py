"""Lets `python -m hintsync` be the command line."""

from hintsync.surfaces.cli.main import run

if __name__ == "__main__":
    run()
