"""Accessibility as axe sees it: what it finds on a page, shadow trees included."""

from typing import Any

from playwright.sync_api import Page

from tests.environment import ROOT

SCRIPT = ROOT / "tests" / "javascript" / "node_modules" / "axe-core" / "axe.min.js"
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]


def is_installed() -> bool:
    return SCRIPT.exists()


def findings(page: Page, selector: str | None = None) -> list[str]:
    """Each violation with the elements it is about; empty where axe finds nothing."""
    if not page.evaluate("'axe' in window"):
        # Evaluated from outside, so that the page's own policy need not allow it.
        page.evaluate(SCRIPT.read_text())
    options: dict[str, Any] = {"runOnly": {"type": "tag", "values": TAGS}, "resultTypes": ["violations"]}
    result = page.evaluate("([context, options]) => axe.run(context ?? document, options)", [selector, options])
    return [f"{each['id']}: {[node['target'] for node in each['nodes']]}" for each in result["violations"]]
