"""Asks axe-core, the accessibility checker, about a page and the frames in it."""

from __future__ import annotations

from functools import cache

from playwright.sync_api import Frame, Page

from tests.emulators.clients.installed import installed

#: WCAG 2.2, levels A and AA, and what axe calls good practice.
_RUN = """async () => {
  const found = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    iframes: false,
  });
  return found.violations.map((each) =>
    `${each.id} (${each.impact}): ${each.help}: ` + each.nodes.map((node) => node.target.join(" ")).slice(0, 5).join(", "));
}"""


@cache
def _source() -> str:
    return (installed("axe") / "node_modules" / "axe-core" / "axe.min.js").read_text(encoding="utf-8")


def violations(where: Page | Frame) -> list[str]:
    """Return what axe objects to in one document; frames inside are asked apart."""
    if where.evaluate("typeof axe") == "undefined":
        where.evaluate(_source() + "; undefined")
    found: list[str] = where.evaluate(_RUN)
    return found
