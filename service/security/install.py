"""How an app gets its door."""

from fastapi import FastAPI
from starlette.middleware.cors import CORSMiddleware

from service.observability.metrics import Metrics
from service.security.api_key_auth import HEADER as KEY_HEADER
from service.security.api_key_auth import ApiKeyAuth
from service.security.door import HEADER, Door
from service.security.proxies import TrustedProxies
from service.settings import ServiceSettings


def install(app: FastAPI, settings: ServiceSettings, guard: ApiKeyAuth, metrics: Metrics) -> None:
    """Put the door before an app; what is added last is passed first."""
    app.add_middleware(Door, settings=settings, guard=guard, metrics=metrics)
    if settings.cors_origins:  # outside of the door, so that pages can read its refusals too
        app.add_middleware(
            CORSMiddleware,
            allow_origins=settings.cors_origins,
            allow_methods=("GET", "HEAD", "POST"),
            allow_headers=("Authorization", "Content-Encoding", KEY_HEADER, HEADER),
            expose_headers=(HEADER, "Retry-After"),
        )
    if settings.trusted_proxies:
        app.add_middleware(TrustedProxies, networks=settings.trusted_proxies)
