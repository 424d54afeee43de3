"""A browser, and pages in it."""

import os
from collections.abc import Iterator

import pytest
from browsing import CHROMIUM
from playwright.sync_api import Page, sync_playwright


@pytest.fixture(scope="module")
def browser():
    root = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_playwright() as play:
        # As users have it: with a limit on how often a page may write its address.
        unlimited = ["--disable-ipc-flooding-protection"]
        found = play.chromium.launch(
            executable_path=CHROMIUM, args=root, ignore_default_args=unlimited
        )
        yield found
        found.close()


@pytest.fixture
def opened(browser, tmp_path) -> Iterator:
    """A function that opens the text of a page, with a link, on a screen. At the end nothing may
    have been written to the console, and nothing asked of a network."""
    trouble, contexts = [], []

    def open_(text: str, shown: str = "", **screen) -> Page:
        file = tmp_path / "page.html"
        file.write_text(text)
        context = browser.new_context(**screen)
        contexts.append(context)
        tab = context.new_page()
        tab.on("console", lambda message: trouble.append(message.text))
        tab.on("pageerror", lambda error: trouble.append(str(error)))
        tab.on("request", lambda one: trouble.append(one.url) if one.url[:5] != "file:" else None)
        tab.goto(f"{file.as_uri()}#{shown}")
        return tab

    yield open_
    for context in contexts:
        context.close()
    assert trouble == []
