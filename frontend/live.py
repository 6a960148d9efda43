"""Pages that stay true while they are open.

A page's template has a block ``live``. The page is sent whole at first; from then on ``static/live.js`` asks
for the same address with the header ``X-Live`` every few seconds, is given that block alone, and puts it in
place if it has changed. There is one route and one template for both.
"""

from typing import Any

from flask import Response, current_app, make_response, render_template, request

LIVE = "X-Live"


def page(template: str, *, code: int = 200, **context: Any) -> Response:
    """Return a page, or its live block alone where that is requested and the page has one."""
    is_live = "live" in current_app.jinja_env.get_template(template).blocks
    if LIVE not in request.headers or not is_live:
        return make_response(_bytes(render_template(template, **context)), code)
    response = make_response(_bytes(_block(template, context)), code)
    response.add_etag(weak=True)
    response.make_conditional(request)
    return response


def _block(template: str, context: dict[str, Any]) -> str:
    found = current_app.jinja_env.get_template(template)
    current_app.update_template_context(context)
    return "".join(found.blocks["live"](found.new_context(context)))


def _bytes(text: str) -> bytes:
    """Return a page's text; half a surrogate pair, which JSON may hold, is shown as a question mark."""
    return text.encode("utf-8", "replace")
