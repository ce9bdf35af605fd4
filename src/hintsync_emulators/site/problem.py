"""What a page says instead of what was asked for."""


class PageProblem(Exception):
    """A page that cannot be shown; the text says why and what to do."""

    def __init__(self, status: int, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.text = text
