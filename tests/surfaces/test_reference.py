"""docs/reference/cli.md says what the commands say."""

from pathlib import Path

from hintsync.surfaces.cli.reference import render

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "cli.md"


def test_the_page_on_the_command_line_is_current() -> None:
    told = "python -m hintsync.surfaces.cli.reference > docs/reference/cli.md"
    assert PAGE.read_text(encoding="utf-8") == render(), f"write it anew: {told}"


def test_every_command_that_works_on_a_connection_takes_the_common_options() -> None:
    for section in render().split("\n## ")[1:]:
        name = section.partition("\n")[0]
        assert "`--json`" in section, name
        assert "emulate" in name or "`--state DIR`" in section, name
