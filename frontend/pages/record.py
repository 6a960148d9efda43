"""Placeholder."""
from flask import Blueprint, Response
from frontend.live import page
pages = Blueprint("record", __name__)
@pages.get("/record")
def show() -> Response:
    return page("status.html")
