"""The one route that is called so often that the way to it counts, called without FastAPI's routing.

FastAPI matches the address, gathers parameters and wraps the call for each request: 0.1 ms, where a card's
answer takes 0.3 (``docs/explanation/model-time.md``). So a plain ``POST`` to that address is handed to its
handler here, in the way in which FastAPI would: the same function, the same errors. With a query it goes by
FastAPI, which reads and checks it, and describes the route.
"""

from collections.abc import Awaitable, Callable

from fastapi import Request, Response
from fastapi.routing import APIRoute
from starlette.types import ASGIApp, Receive, Scope, Send

from service.problems import EXPECTED, answer_to_error


class DirectRoute:
    """Pure ASGI, just around FastAPI's routing.

    Parameters
    ----------
    route
        The route; all parameters of its handler but the request have defaults.
    root_path
        Below which a proxy shows the service.
    """

    def __init__(self, app: ASGIApp, *, route: APIRoute, root_path: str) -> None:
        self._app = app
        self._route = route
        self._paths = frozenset((route.path, root_path + route.path))
        self._handle: Callable[[Request], Awaitable[Response]] = route.endpoint

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer a plain request to the route, or pass it on."""
        if scope["type"] != "http" or scope["path"] not in self._paths or not _is_plain_post(scope):
            await self._app(scope, receive, send)
            return
        scope["route"], request = self._route, Request(scope, receive)
        try:
            response = await self._handle(request)
        except EXPECTED as error:
            response = await answer_to_error(request, error)
        await response(scope, receive, send)


def _is_plain_post(scope: Scope) -> bool:
    return scope["method"] == "POST" and not scope["query_string"]
