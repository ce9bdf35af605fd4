"""A local Hint Health: an ASGI application that answers Hint's public API from memory.

    practice = Practice(seed=1)
    patient_id = practice.create_patient(first_name="Ada", last_name="Moor", dob="1980-02-29")
    app = create_app(practice)
    client = httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://hint",
                               headers={"Authorization": f"Bearer {practice.token}"})

It shares no code with the product that is tested against it, and says in `Switches` where it had to guess.
"""

from hintsync_emulators.hint.app import create_app
from hintsync_emulators.hint.errors import HintError
from hintsync_emulators.hint.partner import Partner
from hintsync_emulators.hint.practice import Practice
from hintsync_emulators.hint.switches import Switches
from hintsync_emulators.hint.webhooks import SIGNATURE_HEADER, WebhookEvent, signature

__all__ = [
    "SIGNATURE_HEADER",
    "HintError",
    "Partner",
    "Practice",
    "Switches",
    "WebhookEvent",
    "create_app",
    "signature",
]
