"""The headers that every answer bears: what browsers may make of it, and that nobody keeps it."""

from service.settings import ServiceSettings

Headers = tuple[tuple[bytes, bytes], ...]
#: Ends of the addresses of pages for people and of what they load; all others have headers alike.
PAGES_AND_ASSETS = ("/docs", "/redoc", "/report", ".js", ".css", ".svg")
_PAGES, _ASSETS = ("/docs", "/redoc", "/report"), "/docs/assets/"

_POLICY = (b"content-security-policy", b"default-src 'none'; frame-ancestors 'none'")
_ALWAYS: Headers = (
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cache-control", b"no-store"),
)


def headers_of_answers(settings: ServiceSettings) -> Headers:
    """Return the headers of every answer but those of pages and of what they load."""
    hsts = (b"strict-transport-security", b"max-age=%d; includeSubDomains" % settings.hsts_s)
    always = (*_ALWAYS, hsts) if settings.hsts_s else _ALWAYS
    return (*always, _POLICY)


def headers_of_page_or_asset(path: str, usual: Headers) -> Headers:
    """Return the headers of an address that ends as :data:`PAGES_AND_ASSETS` do.

    Pages bring a policy of their own, which lets their scripts or styles be; an asset says itself how long it
    is kept.
    """
    if path.endswith(_PAGES):
        return tuple(header for header in usual if header != _POLICY)
    if _ASSETS in path:
        return tuple(header for header in usual if header[0] != b"cache-control")
    return usual
