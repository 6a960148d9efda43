"""Where the files of a version may lie: only where a registry of that kind keeps files.

An address on record that leads anywhere else would send this machine, and its credentials, there.
"""

from urllib.parse import SplitResult, unquote, urlsplit

from model_registry.errors import SourceRefused

LOCAL = ("", "file")
_BUCKETS = ("s3", "gs", "wasbs", "abfss", "r2")
_SERVED = ("mlflow-artifacts", "http", "https")
_MAX_CHARACTERS = 2000


def check_source(source: str, registry: str, *, version: int) -> str:
    """Return where a version's files lie, by the registry's record.

    Parameters
    ----------
    registry : str
        The address of the registry: a file's keeps files on this machine, a database's also in buckets, a
        tracking server's also with itself.

    Raises
    ------
    SourceRefused
        Names the rule, and of the address only what kind it is.
    """
    rule = f"the files of version {version}"
    if not 0 < len(source) <= _MAX_CHARACTERS or not source.isprintable():
        raise SourceRefused(f"{rule} must lie at an address of 1..{_MAX_CHARACTERS} printable characters")
    address, at = _split(source, rule), _split(registry, rule)
    kinds = _kinds(at.scheme)
    if address.scheme not in kinds:
        allowed = ", ".join(f"{kind}:" if kind else "a path" for kind in kinds)
        raise SourceRefused(f"{rule} must lie at {allowed} for this registry, got {address.scheme[:20]!r}")
    if ".." in unquote(address.path).split("/"):
        raise SourceRefused(f"{rule} must lie at an address without '..'")
    if address.scheme in LOCAL and address.netloc not in ("", "localhost"):
        raise SourceRefused(f"{rule} must lie on this machine, not at the file address of another")
    if address.scheme in _SERVED and address.netloc and _host(address.netloc) != _host(at.netloc):
        raise SourceRefused(f"{rule} must lie with the registry's own server, not with another")
    if address.scheme in ("http", "https") and address.scheme != at.scheme:
        raise SourceRefused(f"{rule} must lie at {at.scheme}: as the registry does")
    return source


def _kinds(registry: str) -> tuple[str, ...]:
    if registry in ("http", "https"):
        return (*LOCAL, *_BUCKETS, *_SERVED)
    return LOCAL if registry.partition("+")[0] == "sqlite" else (*LOCAL, *_BUCKETS)


def _split(address: str, rule: str) -> SplitResult:
    try:
        return urlsplit(address)
    except ValueError as error:
        raise SourceRefused(f"{rule} must lie at an address that can be read") from error


def _host(netloc: str) -> str:
    return netloc.rpartition("@")[2].lower()
