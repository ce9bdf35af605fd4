"""What a sync should survive of each switch, limit and event fault of the emulated Hint."""

from collections.abc import Mapping

from hintsync_emulators.lab.card import Words

#: By switch; what a switch does stands in `hint.switches`.
SWITCHES: Mapping[str, str] = {
    "updated_at_filter": "Changes are still found, by reading everybody.",
    "dob_filter": "Nobody is taken for somebody else because a list shows too many.",
    "filter_all": "Archived patients are asked for in another way.",
    "limit_clamped": "A sync never asks for more than the documented page.",
    "legacy_lists_paged": "Lists are read to their end.",
    "title_echoed": "A prefix that Hint never shows is not cleared in Salesforce.",
    "terms_alias": "The right one of the consents is shown in Salesforce.",
    "utc_timestamps": "Times are compared as moments, whatever their offset.",
    "dob_required": "A contact without a birth date is reported, and not tried again for ever.",
    "strict_unknown_fields": "A sync sends known fields only.",
    "address_line_1_accepted": "Addresses are written under their right names.",
    "names_required_on_patch": "Updates carry the names as they were just read.",
    "null_clears": "A clear that does not take is noticed, and not repeated for ever.",
    "phones_merge": "A phone that was taken away is gone, and others are not doubled.",
    "email_checked": "A refused address holds up that field or person, and nobody else.",
    "max_length": "A text that does not fit is reported, and not cut off.",
    "quiet_fields": "Changes that move no time stamp are found by the full read.",
    "archived_by_id": "A 404 for an archived patient is not taken for a deletion.",
    "merged_by_id": "A 404 for a merged patient leads to the one who stayed, or to a person.",
    "archive_event": "Archiving is noticed whatever event tells it, or none.",
    "merge_event": "A merge is noticed whatever event tells it, or none.",
    "version_header_required": "The newer routes are asked with their version.",
    "bad_code_status": "A wrong code is told in the same words whatever the status.",
    "practice_token_on_partner_status": "A wrong key is told apart from an outage.",
    "unmute_self_webhooks": "A sync recognises its own writes and does not answer them with others.",
    "webhook_retries": "Events that come late or in a burst are taken in.",
    "webhook_mute_after": "After a silence of an hour everything that was missed is read.",
    "webhook_timeout_seconds": "An event is answered before its work is done.",
    "destroyed_in_full": "An id alone is enough to end a link.",
    "envelope_timestamp": "Unknown parts of an event are ignored.",
    "webhook_practice_prefix": "The practice is recognised however its id begins.",
}
LIMITS: Mapping[str, Words] = {
    "per_second": Words("Calls in a second before 429.", "A sync keeps below it, and waits when it is told to."),
    "per_day": Words("Calls in a UTC day before 429.", "A sync stands still until the next day, and says so."),
    "details_per_second": Words("Reads of single patients in a second before 429.", "People are read by lists."),
    "anomaly_per_second": Words(
        "Calls in a second before 403.", "A block is waited out, and not taken for a lost right."
    ),
}
EVENT_FAULTS: Mapping[str, Words] = {
    "do": Words("drop: never sent. double: sent twice. delay: sent later. reorder: sent after later ones."),
    "match": Words("A regular expression, searched in TYPE OBJECT-ID; blank is every event."),
    "times": Words("It happens to so many events."),
    "skip": Words("So many events pass first."),
    "seconds": Words("delay: how much later."),
    "behind": Words("reorder: how many later events go first."),
}
BACKEND: Mapping[str, Words] = {
    "webhooks_paused": Words(
        "Events wait and are sent when the pause ends.", "Whatever waited is taken in when it comes, all at once."
    ),
    "webhooks_disabled": Words("Events are not even recorded.", "What no webhook told is found by reading."),
    "unmute_self_webhooks": Words(
        "Our own writes cause webhooks too.", "A sync recognises its own writes and does not answer them with others."
    ),
    "max_requests_per_minute": Words(
        "At most so many deliveries in a minute; blank is any number.", "Events that come late are taken in."
    ),
    "listened_events": Words(
        "Kinds of events that are sent; patterns such as patient.* too.", "What no webhook told is found by reading."
    ),
    "auth_type": Words("How an authorization code reaches the partner.", "Each way ends in the same connection."),
    "activation_type": Words("Who makes a new connection active.", "A pending connection is told as such."),
    "redirect_url": Words("Where a code is sent or posted, right behind the address."),
    "handshake_url": Words("Where a session of the embedded app begins."),
}
