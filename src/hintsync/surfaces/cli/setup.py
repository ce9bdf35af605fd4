"""`hintsync setup`: a code for the guided page that connects an org and installs."""

from __future__ import annotations

from rich.text import Text

from hintsync.bootstrap import Service
from hintsync.surfaces.cli.answer import Answer
from hintsync.surfaces.cli.options import AsJson, StateFolder
from hintsync.surfaces.cli.perform import Asked, with_service


def setup(state: StateFolder = None, as_json: AsJson = False) -> None:
    """Print a code for the guided page that connects a Salesforce org and installs in it; good once, for half an hour."""

    async def work(service: Service) -> Answer:
        where = service.settings.public_url or f"http://{service.settings.listen_host}:{service.settings.listen_port}"
        address, code = f"{where}/setup", first_code(service)
        told = f"open {address} while hintsync serve runs, and enter the code {code}\nit is good once, for half an hour"
        return Answer({"address": address, "code": code}, (Text(told),))

    with_service(Asked(state, None, as_json), work)


def first_code(service: Service) -> str:
    """Return a fresh code of an installation."""
    # Here, so that other commands need not wait for the web server.
    from hintsync.surfaces.web.access.setup_code import new_code

    return new_code(service.store, service.clock)
