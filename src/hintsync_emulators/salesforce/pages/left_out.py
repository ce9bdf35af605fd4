"""What the org's own pages are not; the page about how true the emulators are says it in these words."""

POINTS = (
    "Whoever opens the pages chooses a user; nobody has a password. Sessions of browsers live in the memory of the process and "
    "outlive snapshots.",
    "The addresses are Lightning's; the looks are plain ones of our own. Home, search over everything, feeds, activities, notes, "
    "files, tasks, charts, dashboards, kanban, inline editing, Clone and mass actions are not there.",
    "Page layouts are drawn (sections, columns, fields, Visualforce pages, custom links, related lists). Lightning record pages "
    "(FlexiPage) and compact layouts are kept and checked, but not drawn. Buttons follow Lightning's rule: the layout's actions "
    "for records if it names any, else standard buttons, quick actions and custom buttons, of which the first of a label shows.",
    "Accounts and contacts may be seen and changed by everybody, as both profiles that an org comes with allow; custom objects by "
    "those to whom a permission set or profile grants it, and by administrators. Sharing settings tell only in UserRecordAccess; "
    "pages and the API show every record to everybody. Setup is for administrators.",
    "A form writes the fields that were changed in it and no others. Salesforce would also refuse it if somebody else had saved "
    "the record since it was opened.",
    "Visualforce pages are drawn as far as they hold canvas apps, texts and plain elements; expressions may be names, texts and "
    "the encoding functions. Their frames are of the org's own origin, not of one of their own as in Salesforce.",
    "A canvas app stands in a frame of another site without a sandbox, in which cookies and storage do not last (a frame that is "
    "marked credentialless); links with target=_top lead the whole window on. The frame is as large as its component says and "
    "does not grow: messages of the canvas SDK (resize, autogrow, events) are not answered.",
    "Tabs of the standard objects and reports show unless a profile hides them; a deployed tab shows to those to whom a "
    "permission set or profile makes it visible, and is among all tabs for those to whom it is available.",
    "Reports are run as tables over one object and its parents, with their filters and order; summaries show their groups as "
    "columns, without subtotals. Reports of contacts with one filter can be made on a page, any others are deployed; values of "
    "filters can be changed for one run. Ids have fifteen characters, as in Salesforce. The five lines below an export follow "
    "its form, not its words.",
    "Merging takes two records at a time.",
)
