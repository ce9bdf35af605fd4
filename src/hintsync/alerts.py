"""Tells people by mail or chat, through Apprise (https://github.com/caronc/apprise); addresses come from the settings."""

from __future__ import annotations

import logging
from collections.abc import Sequence

from apprise import Apprise, NotifyType

from hintsync.core.errors import BadInput
from hintsync.ports import Urgency

_log = logging.getLogger(__name__)

_TYPES = {Urgency.TROUBLE: NotifyType.FAILURE, Urgency.RECOVERED: NotifyType.SUCCESS}


class AppriseAlerts:
    """Alerts that go to every configured address."""

    def __init__(self, addresses: Sequence[str]) -> None:
        """Take Apprise addresses, such as `mailto://…` or `slack://…`; without any, nobody is told.

        Raises:
            BadInput: an address that Apprise does not know; it is named by its place, for it may hold a password.
        """
        self._apprise = Apprise()
        for number, address in enumerate(addresses, start=1):
            if not self._apprise.add(address):
                kind = address.partition("://")[0] if "://" in address else "no scheme"
                raise BadInput(f"settings: HINTSYNC_ALERTS: address {number} ({kind}) is none that Apprise knows")

    @property
    def count(self) -> int:
        """Addresses that are told."""
        return len(self._apprise)

    async def send(self, title: str, text: str, urgency: Urgency) -> None:
        """Tell every address; one that cannot be reached is logged and the others are told all the same."""
        if not self.count:
            return
        try:
            told = await self._apprise.async_notify(body=text, title=title, notify_type=_TYPES[urgency])
        except Exception as error:  # a plug-in's own trouble must not stop the work that it is about
            _log.error("an alert could not be sent (%s)", type(error).__name__)
            return
        if not told:
            _log.error("an alert could not be sent to every address")
