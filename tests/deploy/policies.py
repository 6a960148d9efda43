"""Who reaches whom by the network policies of some manifests, as Kubernetes describes their meaning."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tests.deploy.kustomize import Manifest

Labels = Mapping[str, str]


def reaches(manifests: Sequence[Manifest], source: Labels, target: Labels, port: int) -> bool:
    """Return whether a Pod may open a connection (TCP) to another one of the same namespace.

    A Pod that no policy of a direction selects is open in it; else one of those that do must allow it.
    """
    policies = [manifest["spec"] for manifest in manifests if manifest["kind"] == "NetworkPolicy"]
    return _allowed(policies, "Egress", source, target, port) and _allowed(
        policies, "Ingress", target, source, port
    )


def _allowed(policies: Sequence[Any], direction: str, pod: Labels, peer: Labels, port: int) -> bool:
    mine = [
        policy
        for policy in policies
        if direction in policy["policyTypes"] and _selects(policy["podSelector"], pod)
    ]
    rules = [rule for policy in mine for rule in policy.get(direction.lower(), ())]
    return not mine or any(
        _has_port(rule, port) and _has_peer(rule.get("from" if direction == "Ingress" else "to"), peer)
        for rule in rules
    )


def _has_port(rule: Any, port: int) -> bool:
    ports = rule.get("ports")
    return ports is None or any(entry["protocol"] == "TCP" and entry["port"] == port for entry in ports)


def _has_peer(peers: Sequence[Any] | None, pod: Labels) -> bool:
    if peers is None:  # all there are
        return True
    # A peer with a namespace or a network is another than a Pod of this namespace.
    return any(set(peer) == {"podSelector"} and _selects(peer["podSelector"], pod) for peer in peers)


def _selects(selector: Any, labels: Labels) -> bool:
    return all(_requirements(selector, labels))


def _requirements(selector: Any, labels: Labels) -> Iterator[bool]:
    for key, value in selector.get("matchLabels", {}).items():
        yield labels.get(key) == value
    for requirement in selector.get("matchExpressions", ()):
        assert requirement["operator"] == "In"
        yield labels.get(requirement["key"]) in requirement["values"]
