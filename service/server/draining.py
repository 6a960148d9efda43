"""The end of a service, as its parts see it: first it is not ready, then every connection is closed."""


class Draining:
    """How far the end of a service has come; it only ever goes on."""

    def __init__(self) -> None:
        self.has_begun = False
        """It is not ready any more, so that load balancers look elsewhere; requests are answered as ever."""
        self.is_closing = False
        """Nobody new can connect, and every answer is the last of its connection."""

    def begin(self) -> None:
        """Be ready no more."""
        self.has_begun = True

    def close(self) -> None:
        """Let every answer be the last of its connection."""
        self.has_begun = self.is_closing = True
