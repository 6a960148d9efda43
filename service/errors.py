"""Every error that the service itself adds, as one tree.

::

    ServiceError
    ├── BodyTooLarge      the request's body is longer than the service takes
    ├── BodyUnreadable    the body is not JSON in UTF-8
    ├── ModelTooSlow      a version takes longer than its budget, so it does not serve
    ├── NotJson           the request says that its body is something else than JSON
    ├── NotReady          no champion is loaded
    ├── PortTaken         the service cannot listen where it was told to
    ├── WebhookForged     a webhook whose signature or time is not right
    ├── WebhookReplayed   a webhook that was delivered before
    └── WebhooksOff       no secret is set, so webhooks cannot be told from forged ones
"""


class ServiceError(Exception):
    """Root of all errors of :mod:`service`."""


class BodyTooLarge(ServiceError):
    """The request's body is longer than the service takes."""


class BodyUnreadable(ServiceError):
    """The body is not JSON in UTF-8."""


class ModelTooSlow(ServiceError):
    """A version takes longer than its budget, so it does not serve."""


class NotJson(ServiceError):
    """The request says that its body is something else than JSON."""


class NotReady(ServiceError):
    """No champion is loaded, so nothing can be predicted yet."""


class PortTaken(ServiceError):
    """The service cannot listen where it was told to; it never started."""


class WebhookForged(ServiceError):
    """A webhook whose signature or time is not right."""


class WebhookReplayed(ServiceError):
    """A webhook that was delivered before."""


class WebhooksOff(ServiceError):
    """No secret is set, so webhooks cannot be told from forged ones."""
