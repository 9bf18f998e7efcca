"""Whether a page can be used by everybody, as far as a program can tell (axe-core, WCAG 2.2 A and AA)."""

from __future__ import annotations

from functools import cache
from pathlib import Path

from esnbot.testing.browser import Tab

_RUN = """async () => {
  const found = await axe.run(document, {
    runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
  });
  return found.violations.map((one) => one.id + ": " + one.nodes.map((node) => node.html + " " + node.failureSummary));
}"""


@cache
def _axe() -> str:
    return (Path(__file__).parent / "axe" / "axe.min.js").read_text(encoding="utf-8")


async def audit(tab: Tab) -> list[str]:
    """What is wrong with the page that the tab shows; nothing, it is hoped."""
    await tab.page.evaluate(_axe())
    return list(await tab.page.evaluate(_RUN))
