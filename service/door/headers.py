"""The headers that every answer bears: what browsers may make of it, and that nobody keeps it."""

from service.settings import ServiceSettings

Headers = tuple[tuple[bytes, bytes], ...]
#: Pages for people bring a policy of their own, which lets their own scripts or styles be.
PAGES = ("/docs", "/redoc", "/report")

_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_ALWAYS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


def headers_of_answers(settings: ServiceSettings) -> tuple[Headers, Headers]:
    """Return the headers of answers, and those of pages."""
    hsts = (b"strict-transport-security", b"max-age=%d; includeSubDomains" % settings.hsts_s)
    page = (*_ALWAYS, hsts) if settings.hsts_s else _ALWAYS
    return (*page, _POLICY), page
