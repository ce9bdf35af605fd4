"""API names of our pages, actions, permission sets and channel in an org; the packages deploy them."""

from __future__ import annotations

from typing import Final

#: The user that hintsync signs in as.
PERMISSION_SET: Final = "Hint_Sync"
#: The front desk: the panel, sync, search, unlink.
USER_SET: Final = "Hint_Sync_User"
#: Administrators: everything.
ADMIN_SET: Final = "Hint_Sync_Admin"

#: Our channel of change events, and its member that carries contacts.
CHANNEL: Final = "Hint_Sync__chn"
CHANNEL_MEMBER: Final = "Hint_Sync_ContactChangeEvent"

#: Our external client app, and so the canvas app.
APP: Final = "Hintsync"
#: The page of the section on contact pages.
PANEL_PAGE: Final = "Hintsync_Panel"
PAGES: Final = (PANEL_PAGE, "Hintsync_Sync", "Hintsync_Unlink", "Hintsync_Home")
#: The tab that shows Hintsync_Home.
HOME_TAB: Final = "Hint_Health"
#: Quick actions, and buttons of Classic, of the contact.
ACTIONS: Final = ("Sync_to_Hint", "Unlink_Patient")
#: Folder and name of the report.
BATCH_REPORT: Final = "Hint_Sync/Batch_Results"

#: What the section on contact pages is called.
SECTION_LABEL: Final = "Hint Health"
#: Height of the panel in pixels; that of the canvas in the page Hintsync_Panel.
PANEL_HEIGHT: Final = 420
