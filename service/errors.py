"""Every error that the service itself adds; :mod:`service.problems` has the status and title of each."""


class ServiceError(Exception):
    """Root of all errors of :mod:`service`."""


class BatchTooLong(ServiceError):
    """A batch has more cards than the service takes."""


class BodyNotGzip(ServiceError):
    """The body is not the gzip file that it claims to be."""


class BodyTooLarge(ServiceError):
    """The request's body is longer than the service takes."""


class BodyTooSlow(ServiceError):
    """The request's body did not arrive in time."""


class BodyUnreadable(ServiceError):
    """The body is not JSON in UTF-8."""


class EncodingNotRead(ServiceError):
    """The body is encoded in a way that is not read."""


class FeaturesRefused(ServiceError):
    """Rows of features, in another server's protocol, that are not what the model takes."""


class HeadersTooLarge(ServiceError):
    """The head of the request is longer than the service takes."""


class HeadTooSlow(ServiceError):
    """The head of the request did not arrive in time."""


class KeyMissing(ServiceError):
    """The request needs an API key and brings none."""


class KeyNotMade(ServiceError):
    """A key to be made breaks a rule; the message says which."""


class KeyRefused(ServiceError):
    """The key is unknown, mistyped or revoked; the message does not say which."""


class KeysUnknown(ServiceError):
    """The keys were never read since the service started, so nobody can be let in by one."""


class ModelTooSlow(ServiceError):
    """A version takes longer than its budget, so it does not serve."""


class NoAnswerInTime(ServiceError, TimeoutError):
    """What the message names did not answer in time.

    ``is_begun`` is false if no call was made at all, as too many earlier ones still hang.
    """

    def __init__(self, message: str, *, is_begun: bool) -> None:
        super().__init__(message)
        self.is_begun = is_begun


class NoSuchKey(ServiceError):
    """There is no key of that id or name that could be revoked."""


class NotCsv(ServiceError):
    """The request does not say that its body is CSV."""


class NotJson(ServiceError):
    """The request says that its body is something else than JSON."""


class NotReady(ServiceError):
    """No champion is loaded, so nothing can be predicted yet; ``reason`` says why, for programs."""

    def __init__(self, message: str, reason: str = "loading") -> None:
        self.reason = reason
        super().__init__(message)


class OutcomeUnknown(ServiceError):
    """A change was begun, and no answer came in time: it may be made, or may still come."""


class Overloaded(ServiceError):
    """Too many requests wait already; ``retry_after_s`` says when to come again."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        self.retry_after_s = retry_after_s
        super().__init__(message)


class PortTaken(ServiceError):
    """The service cannot listen at its address; it never started."""


class ScopeMissing(ServiceError):
    """The key does not allow this; the message names the scope that would."""


class Stopping(ServiceError):
    """The service is about to stop: send no more requests here."""


class RateLimited(ServiceError):
    """A client asks too often, or tries too many keys; ``retry_after_s`` says when to come back."""

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class WebhookForged(ServiceError):
    """A webhook whose signature or time is not right."""


class WebhookReplayed(ServiceError):
    """A webhook that was delivered before."""


class WebhooksOff(ServiceError):
    """No secret is set by which webhooks could be verified."""
