"""What the fault lab of the emulated Salesforce shows."""

from dataclasses import asdict

from hintsync_emulators.lab.card import Card, Group, Input, Preset, State, Words, inputs_of, json_body
from hintsync_emulators.lab.salesforce_words import CANVAS, EVENTS, FEATURES, SHARING, STORAGE
from hintsync_emulators.lab.salesforce_words import SETTINGS as STREAM_SETTINGS
from hintsync_emulators.lab.shared import EVERYTHING, TIME, calls_group
from hintsync_emulators.salesforce.dml.rules import DATA_STORAGE
from hintsync_emulators.salesforce.org import Limits
from hintsync_emulators.salesforce.pubsub.allocation import Allocation
from hintsync_emulators.salesforce.pubsub.bus import BusSettings
from hintsync_emulators.salesforce.pubsub.errors import PROBLEMS
from hintsync_emulators.salesforce.sharing import SETTINGS

_TOO_MANY = "ConcurrentRequests (Concurrent API Requests) Limit exceeded."
_ENDED = {"errorCode": "INVALID_SESSION_ID", "message": "Session expired or invalid"}
_PRESETS = (
    Preset(
        "The next call finds too many calls at once",
        {"status": 403, "body": [{"errorCode": "REQUEST_LIMIT_EXCEEDED", "message": _TOO_MANY}]},
    ),
    Preset("The next call finds its session ended", {"status": 401, "body": [_ENDED]}),
)


def _event_faults(state: State) -> list[Input]:
    """Returns an input for each fault; errors of the next calls are a list of codes."""
    return inputs_of(state["/pubsub"]["faults"], EVENTS)


def _event_settings(state: State) -> list[Input]:
    now = state["/pubsub"]
    return inputs_of({**now["settings"], "daily": now["deliveries"]["daily"]}, STREAM_SETTINGS)


def _first_settings(state: State) -> dict[str, object]:
    return {**asdict(BusSettings()), "daily": Allocation().daily}


_EVENTS = Group(
    "Change events",
    (
        Card(
            "PUT /pubsub/faults",
            "Events that go wrong",
            "Both sides agree in the end, whatever is lost, doubled, late or out of order.",
            "Set",
            inputs=_event_faults,
            presets=(
                Preset("The next is lost", {"drop": 1}),
                Preset("The next 3 come twice", {"double": 3}),
                Preset("The next 3 come the last one first", {"reorder": 3}),
                Preset("Silence", {"silence": True}),
                Preset("The next call finds the service away", {"fail_next": ["service.unavailable"]}),
            ),
        ),
        Card("DELETE /pubsub/faults", "No more event faults", button="End faults of events"),
        Card("POST /pubsub/release", "Events kept back", "What comes late does not undo what came since.", "Send them"),
        Card(
            "POST /pubsub/gap",
            "Gap event",
            "The record is read, since its event does not say what changed.",
            "Send a gap event",
            inputs=lambda state: (
                Input("object", "text", "Contact", blank="refuse"),
                Input("ids", "names", "", Words("Record ids, or 003* for all of them.")),
                Input(
                    "type", "choice", "GAP_UPDATE", choices=("GAP_CREATE", "GAP_UPDATE", "GAP_DELETE", "GAP_UNDELETE")
                ),
            ),
        ),
        Card(
            "POST /pubsub/overflow",
            "Overflow event",
            "Everything is read again, since no event says which records changed.",
            "Send an overflow event",
            inputs=lambda state: (Input("object", "text", "Contact", blank="refuse"),),
        ),
        Card(
            "POST /pubsub/expire",
            "Expired replay ids",
            "A position that is gone is bridged by reading.",
            "Forget all events",
        ),
        Card(
            "POST /pubsub/close",
            "End of all streams",
            "A subscriber comes back by itself, and misses nothing.",
            "End all streams",
            inputs=lambda state: (Input("error", "choice", "", choices=("", *PROBLEMS)),),
        ),
        Card(
            "PUT /pubsub/settings",
            "How streams behave",
            button="Set",
            inputs=_event_settings,
            off=_first_settings,
        ),
        Card(
            "PUT /pubsub/objects",
            "Whose changes are told",
            "Objects that are not told are read instead.",
            "Set",
            inputs=json_body({"Contact": True}),
            whole_body=True,
            now="/pubsub",
            columns=("objects", "streams", "deliveries"),
        ),
    ),
)
_ROWS = Group(
    "Rows",
    (
        Card(
            "PUT /locks/{id}",
            "Locked rows",
            "A locked row is written later, and holds nobody else up.",
            "Lock",
            inputs=lambda state: (
                Input("times", "whole", 2, Words("So many writes fail; blank is all until it is released.")),
            ),
            now="/locks",
        ),
        Card("DELETE /locks/{id}", "Release one row", button="Release"),
        Card("DELETE /locks", "Release all rows", button="Release all", off=lambda state: None),
        Card(
            "POST /rules",
            "Validation rule",
            "A refused contact is reported in the rule's words, and holds nobody else up.",
            "Add the rule",
            inputs=lambda state: (
                Input("object", "text", "Contact", blank="refuse"),
                Input("field", "text", "MailingCity", blank="refuse"),
                Input("value", "text", "", Words("Records are refused whose field holds just this."), blank="empty"),
                Input("message", "text", "This city is not served.", blank="refuse"),
            ),
            now="/rules",
        ),
        Card("DELETE /rules", "No rules", button="Forget all rules", off=lambda state: None),
        Card(
            "POST /late",
            "A write that shows late",
            "A change that shows after it was stamped is found all the same.",
            "Begin",
            inputs=lambda state: (
                Input("object", "text", "Contact", blank="refuse"),
                Input("id", "text", "", Words("Blank for a new record.")),
                Input("values", "json", {"LastName": "Moor"}, blank="refuse"),
            ),
            now="/late",
        ),
        Card("POST /late/commit", "Let late writes show", button="Let them show", off=lambda state: None),
    ),
)
_ACCESS = Group(
    "Sessions and calls of the day",
    (
        Card(
            "DELETE /tokens",
            "End of sessions",
            "A new session is opened, and the call made again.",
            "End every session",
        ),
        Card("POST /tokens", "New session", button="Begin a session"),
        Card(
            "PUT /sessions",
            "Life of sessions",
            "A session that ends in the middle of work is renewed.",
            "Set",
            inputs=lambda state: (
                Input(
                    "lifetime",
                    "number",
                    state["/sessions"]["lifetime"],
                    Words("Seconds; blank is for ever."),
                    blank="null",
                ),
            ),
            off=lambda state: {"lifetime": None},
        ),
        Card(
            "DELETE /refresh-tokens",
            "Refresh tokens",
            "People are asked to log in again.",
            "Forget every refresh token",
        ),
        Card(
            "PUT /limits",
            "Calls of the day",
            "A sync leaves a reserve to others, and stands still when none is left.",
            "Set",
            inputs=lambda state: inputs_of(state["/limits"], {}),
            off=lambda state: {"daily": Limits().daily},
        ),
        Card(
            "PUT /storage",
            "Data storage",
            "A sync that keeps a log in the org stops doing so before the last megabyte.",
            "Set",
            inputs=lambda state: inputs_of(state["/storage"], STORAGE),
            off=lambda state: {"left": DATA_STORAGE},
        ),
        Card(
            "PUT /passwords",
            "Passwords",
            button="Set",
            inputs=json_body({"integration@example.org": "secret"}),
            whole_body=True,
        ),
        Card(
            "PUT /apps/{id}",
            "Clients of the login service",
            button="Register",
            inputs=json_body({"client_secret": "s", "redirect_uris": ["http://localhost/back"]}),
            whole_body=True,
        ),
    ),
)
_CANVAS = Group(
    "Canvas apps",
    (
        Card(
            "PUT /canvas/faults",
            "Signed requests that are wrong",
            "Each of them is refused, in words that give nothing away.",
            "Set",
            inputs=lambda state: inputs_of(state["/canvas"]["faults"], CANVAS),
        ),
        Card("DELETE /canvas/faults", "No more canvas faults", button="End faults of canvas apps"),
        Card(
            "PUT /canvas/apps/{name}",
            "Give an app by hand",
            button="Give",
            inputs=json_body({"url": "http://localhost:8000/canvas"}),
            whole_body=True,
            now="/canvas",
        ),
        Card("DELETE /canvas/apps/{name}", "Forget an app", button="Forget the app"),
        Card(
            "POST /canvas/request",
            "A signed request alone",
            "One that is sent again, or late, is refused.",
            "Make one",
            inputs=lambda state: (
                Input("app", blank="refuse"),
                Input("record"),
                Input("action"),
                Input("user"),
            ),
        ),
    ),
)
_ORG = Group(
    "The org",
    (
        Card(
            "PUT /sharing",
            "Sharing settings",
            "Nobody sees in a page of ours what they may not see in the org.",
            "Set",
            inputs=lambda state: [
                Input(name, "choice", setting, SHARING, choices=tuple(SETTINGS))
                for name, setting in state["/sharing"].items()
            ],
            off=lambda state: {"Contact": "edit"},
        ),
        Card(
            "PUT /features",
            "Features",
            "Fields and rules that an org has or has not are found out, not assumed.",
            "Set",
            inputs=lambda state: inputs_of(state["/features"], FEATURES),
        ),
    ),
)
GROUPS = (calls_group({}, _PRESETS), _EVENTS, TIME, _ROWS, _ACCESS, _CANVAS, _ORG, EVERYTHING)
