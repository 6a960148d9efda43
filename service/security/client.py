"""Which client a request comes from, as far as its address tells."""

from functools import lru_cache
from ipaddress import IPv6Address, ip_address

from starlette.types import Scope

_LONGEST = 64  # whatever is kept of a client is no longer


def client_of(request: Scope) -> str:
    """Return the client's address; of IPv6 the network, whose 2^64 addresses one client may use."""
    client = request.get("client")
    if not client:  # a Unix socket
        return "local"
    host: str = client[0][:_LONGEST]
    return _network(host) if ":" in host else host


@lru_cache(4096)
def _network(host: str) -> str:
    try:
        address = ip_address(host)
    except ValueError:
        return host
    if not isinstance(address, IPv6Address):
        return str(address)
    return str(address.ipv4_mapped or IPv6Address(int(address) >> 64 << 64))
