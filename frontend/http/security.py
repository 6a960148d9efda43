"""What a browser may do with a page, and which requests are taken."""

from collections.abc import Iterable
from typing import Any

from flask import Flask, Response, abort, request
from werkzeug.routing import IntegerConverter

POLICY = "; ".join(
    (
        "default-src 'none'",
        "script-src 'self'",
        "style-src 'self'",
        "img-src 'self' data:",
        "connect-src 'self'",
        "form-action 'self'",
        "frame-src 'self'",
        "base-uri 'none'",
        "frame-ancestors 'none'",
    )
)
_HEADERS = {
    "Content-Security-Policy": POLICY,
    "Referrer-Policy": "same-origin",
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Opener-Policy": "same-origin",
}
MAX_BODY_BYTES = 2 * 1024 * 1024


class Number(IntegerConverter):
    """A number in an address, of as many digits as one of the service has; other addresses lead nowhere."""

    regex = r"[0-9]{1,18}"


def install(app: Flask) -> None:
    """Limit bodies, refuse what another site's page sends, and let pages run our scripts alone."""
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    app.url_map.converters["int"] = Number
    app.wsgi_app = _without_host(app.wsgi_app)  # type: ignore[method-assign]

    @app.before_request
    def _refuse_other_sites() -> None:
        is_change = request.method not in ("GET", "HEAD", "OPTIONS")
        if is_change and request.headers.get("Sec-Fetch-Site", "same-origin") not in ("same-origin", "none"):
            abort(403, "a page of another site may not ask for changes here")

    @app.after_request
    def _with_headers(response: Response) -> Response:
        for name, value in _HEADERS.items():
            response.headers.setdefault(name, value)
        if request.endpoint not in ("static", "charts.static"):
            response.headers.setdefault("Cache-Control", "no-cache")
        return response


def _without_host(app: Any) -> Any:
    """Hide the host name of a request from an app: its links are relative."""

    def without_host_name(environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        environ["HTTP_HOST"] = "localhost"
        result: Iterable[bytes] = app(environ, start_response)
        return result

    return without_host_name
