"""A person who does not exist, before anybody typed him into either system."""

from dataclasses import dataclass

COUNTRY = "United States"

#: Folded first name, folded last name, birth date.
Key = tuple[str, str, str]


@dataclass(frozen=True, slots=True)
class Person:
    """What is true of a person; an empty string stands for what nobody knows."""

    #: ``Mr.``, ``Mrs.``, ``Ms.``, ``Dr.`` or empty.
    prefix: str
    first: str
    middle: str
    last: str
    suffix: str
    #: ``YYYY-MM-DD`` or empty.
    birth_date: str
    #: ``female``, ``male`` or empty.
    sex: str
    email: str
    #: Phones are ten digits, from the block 555-01xx that is kept for fiction.
    mobile: str
    home_phone: str
    work_phone: str
    line1: str
    line2: str
    city: str
    #: Full name of the state.
    state: str
    zip: str
    country: str
    #: People who live together, and share an e-mail address and a phone, carry the same number; 0 for the others.
    family: int

    @property
    def key(self) -> Key:
        """Name and birth date, in the form in which nobody else in a population may have them."""
        return fold(self.first), fold(self.last), self.birth_date


def fold(text: str) -> str:
    """Folds case and white space, for comparison."""
    return " ".join(text.casefold().split())
