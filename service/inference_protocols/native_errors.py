"""Errors as the clients of another protocol expect them, with the status and the sentence that ours have."""

import json
from collections.abc import Callable, Coroutine, Mapping
from typing import Any

from fastapi import Request, Response
from fastapi.responses import JSONResponse
from fastapi.routing import APIRoute
from pydantic import ValidationError

from model_registry.errors import RegistryError
from racing.domain.errors import RacingError
from service.errors import ServiceError
from service.problems import problem_response

Errors = Callable[[int, str], Mapping[str, Any]]
"""Returns the body for a status and a sentence."""


def route_with_errors(body_of: Errors) -> type[APIRoute]:
    """Return a class of routes that answer errors in a form of their own rather than as problem documents."""

    class NativeRoute(APIRoute):
        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            handle = super().get_route_handler()

            async def answered(request: Request) -> Response:
                try:
                    return await handle(request)
                except (RacingError, RegistryError, ServiceError, ValidationError) as error:
                    problem = problem_response(error, request.scope["request_id"])
                    body = body_of(problem.status_code, json.loads(bytes(problem.body))["detail"])
                    answer = JSONResponse(dict(body), problem.status_code)
                    if "Retry-After" in problem.headers:
                        answer.headers["Retry-After"] = problem.headers["Retry-After"]
                    return answer

            return answered

    return NativeRoute
