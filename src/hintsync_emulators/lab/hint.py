"""What the fault lab of the emulated Hint shows."""

from hintsync_emulators.hint.connecting import SURFACES
from hintsync_emulators.hint.webhooks import EVENT_TYPES
from hintsync_emulators.lab.card import Card, Group, Input, Preset, Words, json_body
from hintsync_emulators.lab.hint_inputs import backend, event_fault, first_switches, switches
from hintsync_emulators.lab.hint_words import LIMITS
from hintsync_emulators.lab.shared import EVERYTHING, TIME, calls_group

_PRESETS = (
    Preset(
        "The next call answers 403 Access forbidden",
        {"status": 403, "body": {"status": 403, "message": "Access forbidden."}},
    ),
    Preset(
        "The next 3 calls answer Enhance your calm",
        {"status": 429, "times": 3, "body": {"status": 429, "message": "Enhance your calm"}},
    ),
)


_WEBHOOKS = Group(
    "Webhooks",
    (
        Card(
            "PUT /events/faults",
            "Webhooks that go wrong",
            "Both sides agree in the end, whatever is lost, doubled, late or out of order.",
            "Add",
            inputs=event_fault,
            presets=(
                Preset("The next is lost", {"do": "drop"}),
                Preset("The next 3 come twice", {"do": "double", "times": 3}),
                Preset("The next comes a minute late", {"do": "delay", "seconds": 60}),
                Preset("The next is overtaken", {"do": "reorder"}),
            ),
            now="/events/faults",
            queue="faults",
        ),
        Card(
            "POST /events/release",
            "Held back",
            "What comes late does not undo what came since.",
            "Let go what is held back",
        ),
        Card(
            "PATCH /backend",
            "How webhooks are sent",
            button="Set",
            inputs=backend,
            off=lambda state: {"webhooks_paused": False, "webhooks_disabled": False},
        ),
        Card(
            "POST /deliver",
            "Deliveries",
            "A receiver that was away gets everything once it is back.",
            "Send what is due now",
            now="/deliveries",
        ),
        Card(
            "DELETE /outbox",
            "Not delivered yet",
            "Events that never come are made up for by reading.",
            "Never deliver these",
            now="/outbox",
            columns=("id", "type", "webhook_endpoints"),
        ),
        Card(
            "POST /events",
            "Any event",
            "Kinds of events that a sync knows nothing about are answered and left alone.",
            "Let it happen",
            inputs=lambda state: (
                Input("type", "choice", "invoice.paid", Words("What happens."), EVENT_TYPES),
                Input("object", "json", {"id": "inv-1"}, Words("What the event shows.")),
            ),
        ),
    ),
)
_READING = Group(
    "Which Hint this is",
    (
        Card(
            "PUT /switches",
            "What Hint's documents leave open",
            "Each of them: a sync works the same way, or says what it cannot do.",
            "Set switches",
            inputs=switches,
            does="each point at which the documents disagree or say nothing",
            off=first_switches,
        ),
    ),
)
_CONNECTION = Group(
    "Connection",
    (
        Card(
            "POST /codes",
            "Authorization code",
            "A code that was used or mistyped is refused in words that help.",
            "Make a code",
        ),
        Card(
            "POST /connect", "Connect as the administrator", "Connecting once more keeps links and settings.", "Connect"
        ),
        Card("POST /finish-setup", "Practice finishes its set-up", button="Finish"),
        Card("POST /activate", "Activate", "A sync that stood still goes on where it stopped.", "Activate"),
        Card(
            "POST /deactivate",
            "Deactivate",
            "Nothing is written, nothing is lost, and the administrator is told.",
            "Deactivate",
        ),
        Card(
            "POST /tokens/revoke",
            "Revoke the practice's token",
            "A sync stops with a clear word and goes on after a new connection.",
            "Revoke",
        ),
        Card(
            "POST /handshake",
            "Open the embedded app",
            button="Open",
            inputs=lambda state: (
                Input("surface", "choice", SURFACES[0], choices=SURFACES),
                Input("surface_url"),
                Input("patient_id"),
                Input("access_context", "choice", "standard", choices=("standard", "platform_support")),
            ),
        ),
        Card("GET /credentials", "Credentials", now="/credentials"),
    ),
)
_PEOPLE = Group(
    "Patients and practitioners",
    (
        Card(
            "POST /patients",
            "Register patients",
            "New people are linked, or left for a person to decide.",
            "Register",
            inputs=json_body([{"first_name": "Ada", "last_name": "Moor"}]),
            whole_body=True,
        ),
        Card("GET /patients/{id}", "One patient", button="Show"),
        Card(
            "PATCH /patients/{id}",
            "Edit a patient",
            "Edits of several fields, or of the same on both sides, end as the rules say.",
            "Edit",
            inputs=json_body({"email": "new@example.com"}),
            whole_body=True,
        ),
        Card("POST /patients/{id}/archive", "Archive a patient", "Nobody is deleted on the other side.", "Archive"),
        Card("POST /patients/{id}/unarchive", "Bring a patient back", "The link goes on.", "Bring back"),
        Card(
            "POST /patients/{id}/merge",
            "Merge a patient",
            "The contact follows to the patient who stays, or a person is asked.",
            "Merge",
            inputs=lambda state: (Input("into", blank="refuse"),),
        ),
        Card("DELETE /patients/{id}", "Destroy a patient", "The contact stays, and the link ends.", "Destroy"),
        Card(
            "POST /practitioners",
            "Add a practitioner",
            "Two practitioners of one name are not taken for one.",
            "Add practitioner",
            inputs=lambda state: (Input("name", blank="refuse"), Input("email")),
        ),
        Card(
            "PATCH /practitioners/{id}",
            "Rename a practitioner",
            "The new name shows at all contacts, though no patient was changed.",
            "Rename",
            inputs=lambda state: (Input("name", blank="refuse"),),
        ),
        Card(
            "DELETE /practitioners/{id}",
            "Remove a practitioner",
            "The patients have none from then on.",
            "Remove practitioner",
        ),
    ),
)
GROUPS = (calls_group(LIMITS, _PRESETS), _WEBHOOKS, TIME, _READING, _CONNECTION, _PEOPLE, EVERYTHING)
