"""Screenshots, in the order in which they were taken."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from playwright.sync_api import Locator, Page


@dataclass(slots=True)
class Album:
    """A folder of pictures."""

    folder: Path
    taken: int = 0

    def take(self, what: Page | Locator, title: str) -> Path:
        """Keep a picture under its title."""
        self.taken += 1
        self.folder.mkdir(parents=True, exist_ok=True)
        name = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-")
        path = self.folder / f"{self.taken:02}-{name}.png"
        if isinstance(what, Page):
            what.bring_to_front()  # frames of other sites are painted in the tab in front alone
            what.evaluate("window.scrollTo(0, 0)")
            what.wait_for_timeout(400)  # frames of other sites are painted by processes of their own
        what.screenshot(path=path)
        return path
