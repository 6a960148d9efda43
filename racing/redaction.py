"""Addresses for people: of databases, registries and webhooks, without what only their owner may read.

One place cleans them all, so that no message, page, metric or line of a log shows a password or a token.
"""

import re
from urllib.parse import unquote, urlsplit

_MASK = "***"
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*\Z")
_ADDRESS = re.compile(r"\b[A-Za-z][A-Za-z0-9+.-]{0,30}://[^\s'\"<>|\\^`{}]+")
_MIN_SECRET = 3  # what is shorter would tear every message apart


def shown(address: str) -> str:
    """Return an address without its password or token, and without its query, which may hold either."""
    scheme, mark, rest = address.partition("://")
    if not mark or not _SCHEME.match(scheme):
        return f"{_MASK}@{address.rpartition('@')[2]}" if "@" in address else address
    rest = rest.partition("?")[0].partition("#")[0]
    authority, slash, path = rest.partition("/")
    user, at, host = authority.rpartition("@")
    if not at:
        return f"{scheme}://{rest}"
    name, colon, _ = user.partition(":")
    # Over HTTP a user without a password is a token.
    is_token = not colon and scheme in ("http", "https")
    known = f"{_MASK}@" if is_token else f"{name}:{_MASK}@" if colon else f"{name}@"
    return f"{scheme}://{known}{host}{slash}{path}"


def redact_passwords(text: str) -> str:
    """Return a text in which every address is as :func:`shown`."""
    return _ADDRESS.sub(lambda found: shown(found[0]), text) if "://" in text else text


def secrets_of(address: str) -> set[str]:
    """Return what of an address nobody else shall read: password, token, values of its query."""
    try:
        parts = urlsplit(address)
    except ValueError:
        return {address}
    user, _, password = parts.netloc.rpartition("@")[0].partition(":")
    token = user if parts.scheme in ("http", "https") and not password else ""
    values = [pair.partition("=")[2] for pair in parts.query.split("&")]
    found = {form for secret in (password, token, *values) for form in (secret, unquote(secret))}
    return {secret for secret in found if len(secret) >= _MIN_SECRET}


def without_secrets(message: str, *addresses: str) -> str:
    """Return a message in which the secrets of some addresses are masked."""
    secrets = {secret for address in addresses for secret in secrets_of(address)}
    for secret in sorted(secrets, key=len, reverse=True):
        message = message.replace(secret, _MASK)
    return message
