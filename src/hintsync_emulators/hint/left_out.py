"""What the real Hint has and this one has not; calls to it answer 501 and name themselves.

Source: the areas of https://developers.hint.com/reference, August 2026.
"""

#: Areas of the API without any route here.
AREAS = (
    "account access tokens",
    "affiliates, their bills and patients",
    "appointments and appointment types",
    "apps, app surfaces and products of the marketplace",
    "charges, charge items and ancillary charges",
    "companies and employee divisions",
    "communication authorizations",
    "coupons, credits and credit lines",
    "customer invoices, invoices and their payments",
    "form responses",
    "interactions, their documents, labs and notifications",
    "lead sources and locations (they show in patients, and have no routes)",
    "memberships, their members and contracts (one shows in a patient, and has no routes)",
    "payment methods, plans and quotes",
    "prospects and signup attempts",
    "reading a social security number",
    "sponsorships, supplements and testimonials",
    "users",
)
#: Parts of what is emulated.
DETAILS = (
    "Practitioners are not filtered by near_zip and distance.",
    "localhost mode of a sandbox: the addresses are kept and never used.",
    "The daily mail about a muted endpoint is not sent.",
    "The status duplicate of a webhook request never occurs: what it stands for is not documented.",
    "Only the kinds of events that patients, practitioners, the practice and its connection cause happen by themselves; "
    "any other is let happen by POST /_control/events.",
    "Which endpoints Hint limits more strictly than 20 requests a second is not published; the limit details_per_second "
    "of the control API stands for it, off at first.",
    "The pages /patients, /practitioners and /integrations are the emulator's own. They show what Hint would hold and copy nothing "
    "of its looks; nobody logs in, so there are no roles, and no change is noted with somebody's name.",
    "Of several practices the pages show the first. A patient's pages leave out the social security number, the times of "
    "consents (noted when a box is ticked) and what only the partner writes; they write only what was changed in the form.",
    "The fault lab /_emulator/faults, here and at the emulated Salesforce, is no part of either system.",
)
