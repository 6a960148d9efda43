"""The text of a file that a person sent."""


def text_of(raw: bytes) -> str:
    """Return the text of a file in whichever encoding, as the importers read it."""
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        return raw.decode("latin-1")
