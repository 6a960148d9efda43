"""The browser of the front end's tests, for the API's own pages."""

from tests.frontend.conftest import browser

__all__ = ["browser"]
