"""HEAD and OPTIONS on every address, and which methods an address has."""

from starlette.responses import Response
from starlette.routing import BaseRoute, Match
from starlette.types import ASGIApp, Receive, Scope, Send

IS_HEAD = "greyhound.is_head"
"""In the scope of a GET that was a HEAD: an answer without an end would keep it for ever."""
_OF_ROUTES = ("GET", "POST", "PUT", "PATCH", "DELETE")


class HeadAndOptions:
    """Pure ASGI, just around the routes: HEAD is answered as GET is, OPTIONS with the methods of the address.

    The server sends no body after a HEAD, and keeps the headers of the GET (RFC 9110, 9.3.2). Routes need not
    list HEAD, so that the OpenAPI document has each operation once.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer, or pass the request on."""
        if scope["type"] == "http" and scope["method"] == "HEAD":
            as_get = dict(scope, method="GET", **{IS_HEAD: True})
            try:
                await self._app(as_get, receive, send)
            finally:
                scope.update({**as_get, "method": "HEAD"})  # the route, for metrics and the log
        elif scope["type"] == "http" and scope["method"] == "OPTIONS" and not is_preflight(scope):
            methods = allowed_methods(scope)
            if methods:
                await Response(status_code=204, headers={"Allow": methods})(scope, receive, send)
            else:
                await self._app(scope, receive, send)
        else:
            await self._app(scope, receive, send)


def allowed_methods(scope: Scope) -> str:
    """Return the value of ``Allow`` for the address of a request; empty where there is no route."""
    routes: list[BaseRoute] = scope["app"].routes
    request = {"type": "http", "path": scope["path"], "root_path": scope.get("root_path", ""), "headers": []}
    methods = [
        method
        for method in _OF_ROUTES
        if any(route.matches(request | {"method": method})[0] is Match.FULL for route in routes)
    ]
    if "GET" in methods:
        methods.insert(1, "HEAD")
    return ", ".join(methods)


def is_preflight(scope: Scope) -> bool:
    """Whether a browser asks here if a page of another origin may send a request (the Fetch standard)."""
    names = {name for name, _ in scope["headers"]}
    return scope["method"] == "OPTIONS" and {b"origin", b"access-control-request-method"} <= names
