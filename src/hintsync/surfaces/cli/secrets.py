"""Reads what must not stand on a command line: from a file, or asked for on a terminal."""

from __future__ import annotations

import sys
from pathlib import Path

import typer

from hintsync.core.errors import BadInput


def read_secret(path: Path | None, what: str) -> str:
    """Return a secret from its file, or ask for it.

    Args:
        path: the file; None: ask.
        what: what it is, for people.

    Raises:
        BadInput: the file cannot be read or is empty, or there is no terminal to ask on.
    """
    if path is None:
        if not on_terminal():
            raise BadInput(f"{what}: name a file that holds it (there is no terminal to ask on)")
        return str(typer.prompt(what, hide_input=True, err=True)).strip()
    try:
        text = path.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise BadInput(f"{what}: {path} cannot be read: {type(error).__name__}") from None
    if not text:
        raise BadInput(f"{what}: {path} is empty")
    return text


def on_terminal() -> bool:
    """Say whether somebody can be asked."""
    return sys.stdin.isatty()
