"""What axe finds wrong with a page. Evaluated over the debugger, since the strict policy admits no script of others.

Axe itself tries to add a style, which the policy refuses and the console tells: look at the console before.
"""

from importlib.resources import files
from typing import Any

from playwright.sync_api import Page

AXE = files("axe_playwright_python").joinpath("axe.min.js").read_text(encoding="utf-8")
# WCAG 2.2 AA with all before it, and what axe's authors recommend.
TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
RUN = """async ([scope, tags]) => {
    const found = await axe.run(scope ?? document, {runOnly: tags, resultTypes: ["violations"]});
    return found.violations.map(({id, help, nodes}) => ({id, help, nodes: nodes.map((node) => node.html)}));
}"""


def violations(page: Page, scope: str | None = None) -> list[dict[str, Any]]:
    """In the whole page, shadow roots included, or in what a selector names."""
    page.evaluate(AXE)
    found: list[dict[str, Any]] = page.evaluate(RUN, [scope, TAGS])
    return found
