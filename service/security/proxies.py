"""Whose word on where a request comes from is believed: proxies that are named, and nobody else."""

from collections.abc import Iterable
from functools import lru_cache
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

from starlette.types import ASGIApp, Receive, Scope, Send

Address = IPv4Address | IPv6Address
MAX_HOPS = 16
"""Proxies that a request may have passed; what is claimed of more is not looked at."""
_FOR, _SCHEME = b"x-forwarded-for", b"x-forwarded-proto"
_LONGEST = 64  # more than an address, with brackets and port, ever has


class TrustedProxies:
    """Puts the client's own address in place of that of the proxies, from the header ``X-Forwarded-For``.

    Each proxy adds at the right who asked it. From there the first that is no trusted proxy is the client.
    What is no address ends the search: it, and what stands left of it, anybody may have written. The other
    headers (``Forwarded``, ``X-Real-IP``, ``X-Forwarded-Host``, ``-Port``, ``-Prefix``) mean nothing.
    """

    def __init__(self, app: ASGIApp, networks: Iterable[str]) -> None:
        self._app = app
        self._networks = tuple(ip_network(network.strip()) for network in networks)
        self._is_trusted = lru_cache(4096)(self._belongs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on."""
        if scope["type"] == "http" and (client := scope.get("client")):
            peer = address_of(client[0])
            if peer is not None and self._is_trusted(peer):
                self._believe(scope, peer)
        await self._app(scope, receive, send)

    def _believe(self, scope: Scope, peer: Address) -> None:
        told = b",".join(value for name, value in scope["headers"] if name == _FOR)
        schemes = [value.strip() for name, value in scope["headers"] if name == _SCHEME]
        if schemes and schemes[-1] in (b"http", b"https"):
            scope["scheme"] = schemes[-1].decode()
        client = peer
        for step in reversed(told.rsplit(b",", MAX_HOPS)[-MAX_HOPS:]):
            found = address_of(step.decode("latin-1").strip())
            if found is None:
                break
            client = found
            if not self._is_trusted(found):
                break
        if client != peer:
            scope["client"] = (str(client), 0)

    def _belongs(self, address: Address) -> bool:
        return any(address in network for network in self._networks)


def address_of(text: str) -> Address | None:
    """Return an address that is written plainly, with a port, or in brackets; None if it is none."""
    if len(text) > _LONGEST or not text.isascii() or "%" in text:  # no scope: each would be another client
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
