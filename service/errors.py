"""Every error that the service itself adds, as one tree.

::

    ServiceError
    ├── BodyTooLarge      the request's body is longer than the service takes
    ├── BodyTooSlow       the request's body did not arrive in time
    ├── BodyUnreadable    the body is not JSON in UTF-8
    ├── ModelTooSlow      a version takes longer than its budget, so it does not serve
    ├── NotJson           the request says that its body is something else than JSON
    ├── NotReady          no champion is loaded
    ├── PortTaken         the service cannot listen where it was told to
    ├── WebhookForged     a webhook whose signature or time is not right
    ├── WebhookReplayed   a webhook that was delivered before
    └── WebhooksOff       no secret is set, so webhooks cannot be told from forged ones
    ├── HeadTooSlow       the head of the request did not arrive in time
    ├── Overloaded        too many requests wait already
    └── Stopping          the service is about to stop
"""


class ServiceError(Exception):
    """Root of all errors of :mod:`service`."""


class BodyTooLarge(ServiceError):
    """The request's body is longer than the service takes."""


class BodyTooSlow(ServiceError):
    """The request's body did not arrive in time."""


class BodyUnreadable(ServiceError):
    """The body is not JSON in UTF-8."""


class ModelTooSlow(ServiceError):
    """A version takes longer than its budget, so it does not serve."""


class HeadTooSlow(ServiceError):
    """The head of the request did not arrive in time."""


class NotJson(ServiceError):
    """The request says that its body is something else than JSON."""


class NotReady(ServiceError):
    """No champion is loaded, so nothing can be predicted yet."""


class Overloaded(ServiceError):
    """Too many requests wait already; ``retry_after_s`` says when to come again."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class PortTaken(ServiceError):
    """The service cannot listen where it was told to; it never started."""


class WebhookForged(ServiceError):
    """A webhook whose signature or time is not right."""


class WebhookReplayed(ServiceError):
    """A webhook that was delivered before."""


class WebhooksOff(ServiceError):
    """No secret is set, so webhooks cannot be told from forged ones."""


class Stopping(ServiceError):
    """The service is about to stop: send no more requests here."""
