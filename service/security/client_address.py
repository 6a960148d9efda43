"""The address of a request's client: from the connection, or from the header that a trusted proxy sets.

**Guarantee:** nobody chooses the address by which he is limited, whatever he sends
(``tests/service/test_proxies.py``). uvicorn's ``ProxyHeadersMiddleware`` was tried: it takes texts of any
length that are no addresses for a client, and looks through any number of hops.
"""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address
MAX_HOPS = 16
"""Proxies that a request may have passed; entries of the header beyond these are ignored."""
_FOR, _SCHEME = b"x-forwarded-for", b"x-forwarded-proto"
_MAX_CHARACTERS = 64  # more than an address, with brackets and port, ever has


def client_of(request: Scope) -> str:
    """Return the client's address; of IPv6 the /64 network, whose 2^64 addresses one client may use."""
    client = request.get("client")
    if not client:  # a Unix socket
        return "local"
    host: str = client[0][:_MAX_CHARACTERS]
    return _network(host) if ":" in host else host


class TrustedProxies:
    """ASGI middleware that replaces a trusted proxy's address by the client's, from ``X-Forwarded-For``.

    Each proxy appends the address of its peer at the right. Read from the right, the first address that is no
    trusted proxy is the client. An entry that is no address ends the search: that entry, and all left of it,
    may be forged. Other headers (``Forwarded``, ``X-Real-IP``, ``X-Forwarded-Host``, ``-Port``, ``-Prefix``)
    are ignored.
    """

    def __init__(self, app: ASGIApp, networks: Iterable[str]) -> None:
        self._app = app
        self._networks = tuple(ip_network(network.strip()) for network in networks)
        self._is_trusted = lru_cache(4096)(self._is_in_a_network)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the address of its client."""
        if scope["type"] == "http" and (client := scope.get("client")):
            peer = address_of(client[0])
            if peer is not None and self._is_trusted(peer):
                self._set_client(scope, peer)
        await self._app(scope, receive, send)

    def _set_client(self, scope: Scope, peer: Address) -> None:
        forwarded_for = b",".join(value for name, value in scope["headers"] if name == _FOR)
        schemes = [value.strip() for name, value in scope["headers"] if name == _SCHEME]
        if schemes and schemes[-1] in (b"http", b"https"):
            scope["scheme"] = schemes[-1].decode()
        client = peer
        for step in reversed(forwarded_for.rsplit(b",", MAX_HOPS)[-MAX_HOPS:]):
            found = address_of(step.decode("latin-1").strip())
            if found is None:
                break
            client = found
            if not self._is_trusted(found):
                break
        if client != peer:
            scope["client"] = (str(client), 0)

    def _is_in_a_network(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def address_of(text: str) -> Address | None:
    """Return an address that is written plainly, with a port, or in brackets; None if it is none."""
    if (
        len(text) > _MAX_CHARACTERS or not text.isascii() or "%" in text
    ):  # no scope: each would be another client
        return None
    if text.startswith("["):
        text, _, rest = text[1:].partition("]")
        if rest and not rest.startswith(":"):
            return None
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        address = ip_address(text)
    except ValueError:
        return None
    return (address.ipv4_mapped or address) if isinstance(address, IPv6Address) else address


@lru_cache(4096)
def _network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
