"""What can go wrong, before a page is shown and with what the service answers."""

from greyhound_client import Problem


class PortTaken(Exception):
    """The address to listen on is in use, or is none of this machine's."""


def code_of(problem: Problem) -> int:
    """Return the status of a page that tells of a problem: a failure of the service is none of ours."""
    return problem.status if 400 <= problem.status < 500 or problem.status == 503 else 502
