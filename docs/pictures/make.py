"""Draws the README's picture from a real run of the demo: `python docs/pictures/make.py` (the people are invented)."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

from rich.console import Console
from rich.text import Text

WIDTH = 162
FIGURE = Path(__file__).parent / "demo.svg"
#: Rich's own frame loads a font from another host; this one asks nobody for anything.
FRAME = """<svg class="rich-terminal" viewBox="0 0 {width} {height}" xmlns="http://www.w3.org/2000/svg">
<style>
.{unique_id}-matrix {{
  font-family: ui-monospace, Menlo, Consolas, monospace;
  font-size: {char_height}px;
  line-height: {line_height}px;
}}
{styles}
</style>
<defs>
<clipPath id="{unique_id}-clip-terminal">
<rect x="0" y="0" width="{terminal_width}" height="{terminal_height}" />
</clipPath>
{lines}
</defs>
{chrome}
<g transform="translate({terminal_x}, {terminal_y})" clip-path="url(#{unique_id}-clip-terminal)">
{backgrounds}
<g class="{unique_id}-matrix">{matrix}</g>
</g>
</svg>
"""


def main() -> int:
    """Run the demo and save the picture; its exit code is the demo's."""
    environment = {**os.environ, "FORCE_COLOR": "1", "COLUMNS": str(WIDTH), "TERM": "xterm-256color"}
    command = [sys.executable, "-m", "hintsync", "demo", "--once", *sys.argv[1:]]
    run = subprocess.run(command, env=environment, stdout=subprocess.PIPE, text=True, check=False)
    console = Console(record=True, width=WIDTH, file=io.StringIO(), force_terminal=True)
    console.print(Text("$ make demo", style="bold"))
    console.print(Text.from_ansi(run.stdout))
    console.save_svg(str(FIGURE), title="hintsync demo", code_format=FRAME)
    return run.returncode


if __name__ == "__main__":
    sys.exit(main())
