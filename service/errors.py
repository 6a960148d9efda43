"""Every error that the service itself adds, as one tree.

::

    ServiceError
    ├── BodyTooLarge      the request's body is longer than the service takes
    ├── BodyUnreadable    the body is not JSON in UTF-8
    ├── KeyMissing        the request needs an API key and brings none
    ├── KeyNotMade        a key that was asked for breaks a rule
    ├── KeyRefused        the key is unknown, mistyped or revoked
    ├── KeysUnknown       the keys were never read, so nobody can be let in by one
    ├── NoSuchKey         there is no key to revoke
    ├── NotJson           the request says that its body is something else than JSON
    ├── NotReady          no champion is loaded
    ├── PortTaken         the service cannot listen where it was told to
    ├── ScopeMissing      the key does not allow this
    └── TooMany           a client asks too often, or tries too many keys
"""


class ServiceError(Exception):
    """Root of all errors of :mod:`service`."""


class BodyTooLarge(ServiceError):
    """The request's body is longer than the service takes."""


class BodyUnreadable(ServiceError):
    """The body is not JSON in UTF-8."""


class KeyMissing(ServiceError):
    """The request needs an API key and brings none."""


class KeyNotMade(ServiceError):
    """A key that was asked for breaks a rule; the message says which."""


class KeyRefused(ServiceError):
    """The key is unknown, mistyped or revoked; which of them is not told."""


class KeysUnknown(ServiceError):
    """The keys were never read since the service started, so nobody can be let in by one."""


class NoSuchKey(ServiceError):
    """There is no key of that id or name that could be revoked."""


class NotJson(ServiceError):
    """The request says that its body is something else than JSON."""


class NotReady(ServiceError):
    """No champion is loaded, so nothing can be predicted yet."""


class PortTaken(ServiceError):
    """The service cannot listen where it was told to; it never started."""


class ScopeMissing(ServiceError):
    """The key does not allow this; the message names the scope that would."""


class TooMany(ServiceError):
    """A client asks too often, or tries too many keys; ``retry_after_s`` says when to come back."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s
