"""The widget as somebody who uses it sees it; only what integration pages may rely on is named here."""

from playwright.sync_api import Locator, Page, expect

QUESTION = "How do I set a rate limit?"
ANSWER = "RATE_LIMITS__"
PATIENCE = 30_000


def messages(page: Page) -> Locator:
    return page.locator(".chatkit-messages")


def ask(page: Page, question: str = QUESTION) -> None:
    page.locator(".chatkit-input").fill(question)
    page.locator(".chatkit-send-btn").click()


def expect_answers(page: Page, count: int) -> None:
    """So many answers to the usual question, the last of them complete."""
    expect(messages(page).get_by_text(ANSWER).first).to_be_visible(timeout=PATIENCE)
    expect(messages(page).get_by_text(QUESTION, exact=True)).to_have_count(count, timeout=PATIENCE)
