"""A Chromium for tests of pages; they are skipped where there is none.

One a module: while it is there an event loop runs in this thread, where ``asyncio.run`` of other tests fails.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect, sync_playwright

from tests.frontend.builders import CHROMIUM, is_there

expect.set_options(timeout=60_000)  # what a page is to show soon, on a machine that has other work too


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium, or skip."""
    if not is_there():
        pytest.skip("there is no Chromium (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"], timeout=120_000
        )
        yield chromium
        chromium.close()
