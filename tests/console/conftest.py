"""One browser for all tests of the page, and pages that notice every fault."""

import os
import shutil
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest

from corridor.console.screenshots import ADVICE, BROWSERS, browser


@pytest.fixture(scope="session")
def chromium() -> Iterator[Any]:
    """Debian's Chromium, steered by Playwright. Without one the tests fail in CI, and say elsewhere what to install."""
    program = browser()
    if program is None:
        told = f"none of {', '.join(BROWSERS)} is installed: {ADVICE}"
        if os.environ.get("CI"):
            pytest.fail(told)
        pytest.skip(told)
    from playwright.sync_api import sync_playwright  # noqa: PLC0415

    with sync_playwright() as playwright:
        found = playwright.chromium.launch(executable_path=shutil.which(program), args=["--no-sandbox"])
        yield found
        found.close()


@pytest.fixture
def opened(chromium: Any) -> Iterator[Callable[..., Any]]:
    """Opens pages; at the end none may have told of an error, or asked another host for anything."""
    contexts, faults = [], []

    def open_(url: str, query: str = "lang=en", ready: bool = True, **options: Any) -> Any:
        context = chromium.new_context(**({"viewport": {"width": 1440, "height": 900}} | options))
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(10_000)
        host = urlsplit(url).netloc
        page.on(
            "console", lambda told: faults.append(told.text) if told.type in {"error", "warning"} else None
        )
        page.on("pageerror", lambda error: faults.append(str(error)))
        page.on(
            "request",
            lambda asked: None if urlsplit(asked.url).netloc in {host, ""} else faults.append(asked.url),
        )
        page.goto(f"{url}?{query}")
        if ready:
            page.wait_for_selector("html[data-ready]")
        return page

    open_.faults = faults  # type: ignore[attr-defined]
    yield open_
    for context in contexts:
        context.close()
    assert not faults
