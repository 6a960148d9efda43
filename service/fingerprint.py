"""The fingerprint of a database's or registry's address: what is kept on disk for one is not another's."""

import hashlib
from urllib.parse import urlsplit


def fingerprint(address: str) -> str:
    """Return 64 hexadecimal digits; they neither show nor depend on the address's user and password."""
    url = urlsplit(address)
    return hashlib.sha256(url._replace(netloc=url.netloc.rpartition("@")[2]).geturl().encode()).hexdigest()
