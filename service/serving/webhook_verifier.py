"""Is a webhook the registry's own? MLflow's signature, its time, and that it was never delivered before.

The signature is that of Standard Webhooks: ``v1,`` and the base64 of HMAC-SHA256 over
``DELIVERY-ID.TIMESTAMP.BODY``.
"""

import base64
import hashlib
import hmac
import time

from pydantic import SecretStr

from service.errors import WebhookForged, WebhookReplayed, WebhooksOff

WINDOW_S = 300  # as Standard Webhooks say: clocks differ, and a sender tries again for a while
MAX_REMEMBERED = 10_000  # deliveries that were rightly signed, 100 bytes each
_MAX_ID = 200


class WebhookVerifier:
    """Proves deliveries with one secret, and remembers those that it took."""

    def __init__(self, secret: SecretStr | None) -> None:
        self._secret = secret.get_secret_value().encode() if secret else None
        self._taken: dict[str, float] = {}

    def take(self, *, signature: str, delivery: str, sent_at: str, body: bytes) -> None:
        """Take a delivery once.

        Raises
        ------
        service.errors.WebhookForged
            If the signature is not ours, or the time is more than five minutes from this machine's.
        service.errors.WebhookReplayed
            If it was taken before.
        service.errors.WebhooksOff
            If no secret is set.
        """
        if self._secret is None:
            raise WebhooksOff("set GREYHOUND_WEBHOOK_SECRET to take webhooks")
        expected = sign(self._secret, delivery, sent_at, body)
        if not hmac.compare_digest(expected.encode(), signature.encode()):
            rule = "X-MLflow-Signature must sign delivery id, timestamp and body with the secret set here"
            raise WebhookForged(rule)
        if not (sent_at.isascii() and sent_at.isdigit() and len(sent_at) < 16):
            raise WebhookForged("X-MLflow-Timestamp must be whole seconds since 1970")
        if abs(time.time() - int(sent_at)) > WINDOW_S:
            rule = f"X-MLflow-Timestamp must lie within {WINDOW_S} s of this machine's clock"
            raise WebhookForged(f"{rule}, it is {int(time.time()) - int(sent_at)} s off")
        if not 0 < len(delivery) <= _MAX_ID:
            raise WebhookForged(f"X-MLflow-Delivery-ID must have 1..{_MAX_ID} characters")
        self._remember(delivery)

    def _remember(self, delivery: str) -> None:
        now = time.monotonic()  # a clock that jumps forgets nothing
        while self._taken:
            oldest = next(iter(self._taken))
            if now - self._taken[oldest] <= 2 * WINDOW_S and len(self._taken) < MAX_REMEMBERED:
                break
            del self._taken[oldest]
        if delivery in self._taken:
            raise WebhookReplayed("this delivery id was taken before")
        self._taken[delivery] = now


def sign(secret: bytes, delivery: str, sent_at: str, body: bytes) -> str:
    """Return the signature of a delivery."""
    signed = f"{delivery}.{sent_at}.".encode("latin-1", "replace") + body
    digest = hmac.new(secret, signed, hashlib.sha256).digest()
    return f"v1,{base64.b64encode(digest).decode()}"
