"""The fixtures as another project would use them, in a session of pytest of its own."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]

HOWTO = Path(__file__).parents[2] / "docs" / "howto" / "emulators.md"
INI = "[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\nfilterwarnings = error\n"


def code_of(page: str, start: str) -> str:
    """Returns the block of Python on a page that begins with a comment."""
    blocks = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    (found,) = [block for block in blocks if block.startswith(start)]
    return str(found)


def test_the_page_about_the_fixtures_is_true(pytester: pytest.Pytester) -> None:
    page = HOWTO.read_text(encoding="utf-8")
    pytester.makeini(INI)
    pytester.makeconftest(code_of(page, "# conftest.py"))
    pytester.makepyfile(test_mine=code_of(page, "# test_mine.py"), test_canvas=code_of(page, "# test_canvas.py"))
    result = pytester.runpytest_subprocess("-p", "no:randomly", "-p", "no:cacheprovider")
    result.assert_outcomes(passed=7)


def test_two_tests_share_nothing(pytester: pytest.Pytester) -> None:
    pytester.makeini(INI)
    pytester.makeconftest('pytest_plugins = ["hintsync_emulators.pytest_plugin"]')
    pytester.makepyfile(
        """
        import pytest

        @pytest.mark.parametrize("time", range(2))
        def test_empty(time, hint_emulator, salesforce_emulator):
            assert (len(hint_emulator.practice), salesforce_emulator.org.count("Contact")) == (0, 0)
            hint_emulator.practice.create_patient(first_name="Ada", last_name="Moor")
            salesforce_emulator.org.insert("Contact", {"LastName": "Moor"})
        """
    )
    pytester.runpytest_subprocess("-p", "no:cacheprovider").assert_outcomes(passed=2)


def test_the_emulators_come_without_the_product() -> None:
    script = (
        "import sys, hintsync_emulators.pytest_plugin, hintsync_emulators.__main__\n"
        "print([name for name in sys.modules if name == 'hintsync' or name.startswith('hintsync.')])"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


@pytest.mark.parametrize(
    "what", ["hint_emulator", "hint_emulator_url", "salesforce_emulator", "salesforce_emulator_url"]
)
def test_the_page_names_every_fixture(what: str) -> None:
    assert f"`{what}`" in HOWTO.read_text(encoding="utf-8")
