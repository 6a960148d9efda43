"""Settings from files: ``GREYHOUND_DATABASE_FILE=/run/secrets/database`` is what stands in that file.

Kubernetes and Docker lay secrets into files, which no listing of containers or processes shows.
"""

import os
from collections.abc import MutableMapping
from pathlib import Path

import click

_PREFIX, _SUFFIX = "GREYHOUND_", "_FILE"
MAX_BYTES = 64 * 1024
"""Of a setting; whatever is longer is another file than was meant."""


def read_secret_files(environment: MutableMapping[str, str] = os.environ) -> None:
    """Put what stands in the files that ``GREYHOUND_*_FILE`` names into the settings of that name.

    An empty name counts as none, as in compose files; blanks and line ends around the text are left out.

    Raises
    ------
    click.UsageError
        If a setting is given both ways, or its file cannot be read, is empty, too long or no text.
    """
    for variable in sorted(environment):
        setting = variable.removesuffix(_SUFFIX)
        path = environment[variable]
        if variable.startswith(_PREFIX) and setting not in (variable, _PREFIX.rstrip("_")) and path:
            if environment.get(setting):
                raise click.UsageError(f"{setting} and {variable} are both set: one of them is enough")
            environment[setting] = _text(variable, Path(path))


def _text(variable: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        text = raw.decode().strip()
    except OSError as error:
        raise click.UsageError(f"{variable}: {path} cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise click.UsageError(f"{variable}: {path} is no text in UTF-8") from error
    if len(raw) > MAX_BYTES:
        raise click.UsageError(f"{variable}: {path} has more than {MAX_BYTES} bytes")
    if not text or "\0" in text:
        raise click.UsageError(f"{variable}: {path} holds no value")
    return text
