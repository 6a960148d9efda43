"""One Chromium for the tests of a module; they are skipped where there is none.

Playwright keeps an event loop running in the thread of the tests, where tests that run one of their own
would fail: so it ends with the module.
"""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, sync_playwright

from tests.frontend.builders import CHROMIUM, is_there


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Return a headless Chromium, or skip."""
    if not is_there():
        pytest.skip("there is no Chromium (Debian: apt install chromium)")
    with sync_playwright() as playwright:
        options = {"executable_path": CHROMIUM, "args": ["--no-sandbox"], "timeout": 120_000}
        chromium = playwright.chromium.launch(**options)
        yield chromium
        chromium.close()
