"""README's picture of the widget: made by the suite, so that it shows what there is."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.widget import ask, expect_answers
from tests.environment import ROOT
from tests.live import LiveServer

pytestmark = pytest.mark.browser
IMAGES = ROOT / "docs" / "images"
LARGEST = 200_000
PICTURES = {"light": "widget.png", "dark": "widget-dark.png"}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Where README's pictures lie when they are to be made anew (`make screenshot`); elsewhere otherwise."""
    if "CHATKIT_SCREENSHOT" not in os.environ:
        return tmp_path
    IMAGES.mkdir(exist_ok=True)
    return IMAGES


@pytest.mark.parametrize("theme", PICTURES)
def test_readme_shows_the_demo_page(
    browser: Browser, start_server: Callable[..., LiveServer], folder: Path, theme: str
) -> None:
    server = start_server()
    context = browser.new_context(viewport={"width": 1280, "height": 736}, color_scheme=theme)  # type: ignore[arg-type]
    page = context.new_page()
    page.goto(server.url)
    ask(page)
    expect_answers(page, 1)
    expect(page.locator(".pill")).to_contain_text("Everything answers")
    picture = folder / PICTURES[theme]
    page.screenshot(path=picture, animations="disabled", caret="hide")
    context.close()
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert 20_000 < picture.stat().st_size < LARGEST


@pytest.mark.parametrize("name", PICTURES.values())
def test_the_picture_in_the_repository_is_small_enough(name: str) -> None:
    assert 20_000 < (IMAGES / name).stat().st_size < LARGEST
    assert f"docs/images/{name}" in (ROOT / "README.md").read_text()
