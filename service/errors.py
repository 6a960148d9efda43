"""Every error that the service itself adds, as one tree.

::

    ServiceError
    ├── BodyTooLarge      the request's body is longer than the service takes
    ├── BodyUnreadable    the body is not JSON in UTF-8
    ├── NotJson           the request says that its body is something else than JSON
    ├── NotReady          no champion is loaded
    └── PortTaken         the service cannot listen where it was told to
"""


class ServiceError(Exception):
    """Root of all errors of :mod:`service`."""


class BodyTooLarge(ServiceError):
    """The request's body is longer than the service takes."""


class BodyUnreadable(ServiceError):
    """The body is not JSON in UTF-8."""


class NotJson(ServiceError):
    """The request says that its body is something else than JSON."""


class NotReady(ServiceError):
    """No champion is loaded, so nothing can be predicted yet."""


class PortTaken(ServiceError):
    """The service cannot listen where it was told to; it never started."""
