"""Status: which champion serves, and how good it is; and its status as JSON, for pages that exist already."""

from flask import Blueprint, Response

from frontend.asking import status
from frontend.live import page

pages = Blueprint("status", __name__)


@pages.get("/")
def show() -> Response:
    """Show the champion."""
    return page("status.html", champion=status())
