"""What each event fault, setting and feature of the emulated Salesforce does, and what a sync should survive."""

from collections.abc import Mapping

from hintsync_emulators.lab.card import Words

EVENTS: Mapping[str, Words] = {
    "drop": Words("So many events are never sent.", "What no event told is found by reading."),
    "double": Words(
        "So many events come twice, under one replay id.", "An event taken in twice changes nothing the second time."
    ),
    "delay": Words(
        "So many events are kept back until they are let go.", "What comes late does not undo what came since."
    ),
    "reorder": Words(
        "So many events are collected and sent the last one first.", "The latest change wins, not the latest event."
    ),
    "gap": Words("So many events do not say what changed.", "The record is read instead."),
    "silence": Words(
        "Nothing is sent to anybody, and no stream ends.", "Silence is noticed, and the stream opened anew."
    ),
    "fail_next": Words(
        "Codes of errors with which the next calls fail, parted by commas.", "The call is made again, later each time."
    ),
}
SETTINGS: Mapping[str, Words] = {
    "retention": Words("Seconds for which events can be replayed.", "After a longer absence everything is read."),
    "overflow_after": Words("Changes of one transaction that are told.", "The rest of a large change is read."),
    "largest_event": Words("Bytes; a larger event becomes a gap event.", "The record is read instead."),
    "merging": Words(
        "Equal changes of one transaction become one event.", "An event about several records reaches them all."
    ),
    "empty_map_first": Words("A bitmap of top-level fields comes first, though it is empty.", "Either form is read."),
    "keepalive": Words(
        "Seconds until an empty answer says that the stream lives.", "A quiet stream is told from a dead one."
    ),
    "idle": Words("Seconds until a stream is closed whose subscriber asks for no more.", "A subscriber asks in time."),
    "daily": Words(
        "Events that may be delivered in a day.", "A used-up allowance is told, and made up for by reading."
    ),
}
CANVAS: Mapping[str, Words] = {
    "wrong_secret": Words("So many requests are signed with another secret.", "Refused."),
    "old": Words("So many say that they were made a day ago.", "Refused."),
    "truncated": Words("So many end in the middle.", "Refused."),
    "other_org": Words(
        "So many name another organization, signed as they should be.",
        "Refused: the org is not the one it was set up for.",
    ),
}
FEATURES: Mapping[str, Words] = {
    "MiddleName": Words("Contacts have a middle name."),
    "NameSuffix": Words("Contacts have a suffix."),
    "StateAndCountryPicklists": Words("States and countries are picklists with codes."),
    "PersonAccounts": Words("Accounts may be persons."),
    "FieldLevelSecurity": Words("Custom fields are seen by those only to whom they are granted."),
}
STORAGE: Mapping[str, Words] = {
    "left": Words("Megabytes that are left; with none, no record can be created.", "A copy is not worth a full org."),
}
SHARING: Words = Words("What those may do who do not own a record; its owner and administrators may do everything.")
