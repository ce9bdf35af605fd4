"""Named switches for what Hint's documents leave open or contradict.

Each default is the behaviour that the documents make likeliest; a test flips a switch to meet the other one.
"""

from dataclasses import dataclass, fields


@dataclass(slots=True)
class Switches:
    """Which of the possible Hints this emulator is."""

    #: The list of patients honours a range on ``updated_at``; off: the parameter is ignored and everybody comes.
    updated_at_filter: bool = True
    #: The list honours ``dob=``; off: ignored.
    dob_filter: bool = True
    #: ``filter=all`` adds archived patients to the active ones; off: it means nothing.
    filter_all: bool = True
    #: ``title`` shows up in answers; off: it is accepted and stored, and never shown.
    title_echoed: bool = False
    #: A patient cannot be created without a birth date.
    dob_required: bool = False
    #: A body field that Hint does not know is refused; off: ignored without a word.
    strict_unknown_fields: bool = False
    #: An update must carry first and last name.
    names_required_on_patch: bool = False
    #: Null or an empty string clears a field; off: it leaves the field as it was.
    null_clears: bool = True
    #: ``phones`` in an update replaces only the entries of the types it names; off: the whole list.
    phones_merge: bool = False
    #: A GET, PATCH or PUT by id reaches archived patients; off: 404.
    archived_by_id: bool = True
    #: A GET, PATCH or PUT by id reaches patients that were merged into another; off: 404.
    merged_by_id: bool = True
    #: The e-mail address must look like one.
    email_checked: bool = True
    #: Longest text a field takes, in characters; 0 means any.
    max_length: int = 255
    #: Fields whose change alone does not move ``updated_at``, separated by blanks (``"phones practitioner"``).
    quiet_fields: str = ""
    #: Changes made through the API cause webhooks too.
    unmute_self_webhooks: bool = False
    #: The newer partner routes answer 404 without the Hint-Version header.
    version_header_required: bool = True
    #: Status of the answer to an authorization code that is unknown or already used.
    bad_code_status: int = 422

    def set(self, name: str, value: object) -> None:
        """Sets one switch by name.

        Raises:
            KeyError: there is no such switch.
            TypeError: the value is not of the switch's type.
        """
        if name not in {each.name for each in fields(self)}:
            raise KeyError(name)
        expected = type(getattr(self, name))
        if type(value) is not expected:
            raise TypeError(f"{name} must be of type {expected.__name__}")
        setattr(self, name, value)

    def to_json(self) -> dict[str, object]:
        return {each.name: getattr(self, each.name) for each in fields(self)}
