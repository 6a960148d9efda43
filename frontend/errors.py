"""What can go wrong before a page is shown."""


class PortTaken(Exception):
    """The address to listen on is in use, or is none of this machine's."""
