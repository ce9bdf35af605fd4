"""`hintsync-alive`: asks the process of this host or container whether it is alive. Ends with 0 if it is, with 1 if not.

A supervisor asks every half minute, so this needs nothing but the standard library and is done in a twentieth of a second.
"""

from __future__ import annotations

import http.client
import os
import sys
import time
from collections.abc import Mapping
from pathlib import Path

#: Seconds that an answer may take.
_PATIENCE = 4.0
#: Seconds since the file of a living process was touched, at most; it is touched every ten.
_FRESH = 60.0
#: Where a process listens that listens everywhere.
_EVERYWHERE = {"": "127.0.0.1", "0.0.0.0": "127.0.0.1", "::": "::1"}


def main() -> None:
    """Ask, and end; what is wrong goes to standard error."""
    wrong = find_fault(os.environ)
    if wrong:
        sys.stderr.write(f"hintsync: {wrong}\n")
    sys.exit(1 if wrong else 0)


def find_fault(environment: Mapping[str, str]) -> str:
    """Return why the process does not seem alive; empty if it does.

    Args:
        environment: the settings of the process: its file of life if it has one, else where it answers requests.
    """
    file = environment.get("HINTSYNC_ALIVE_FILE")
    if file:
        return _fault_of_file(Path(file))
    host = environment.get("HINTSYNC_LISTEN_HOST", "")
    return _fault_of_answer(_EVERYWHERE.get(host, host), environment.get("HINTSYNC_LISTEN_PORT") or "8080")


def _fault_of_file(path: Path) -> str:
    try:
        age = time.time() - path.stat().st_mtime
    except OSError as error:
        return f"{path}: {error.strerror}"
    return "" if age < _FRESH else f"{path}: the last sign of life is {age:.0f} seconds old"


def _fault_of_answer(host: str, port: str) -> str:
    # Not urllib: it would go by a proxy of the environment.
    connection = http.client.HTTPConnection(host, int(port), timeout=_PATIENCE)
    try:
        connection.request("GET", "/healthz")
        status = connection.getresponse().status
    except (OSError, http.client.HTTPException) as error:
        return f"no answer on {host} port {port} ({type(error).__name__})"
    finally:
        connection.close()
    return "" if status == http.client.OK else f"{host} port {port} answers with status {status}"


if __name__ == "__main__":
    main()
