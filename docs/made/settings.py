"""The page of all settings: those of the service, of the front end, and those of commands alone."""

from collections.abc import Iterator

import click

from docs.made.markdown import code, sentence, table
from docs.made.schema import Json, kind, written
from frontend.settings import FrontendSettings
from greyhound.cli import COMMANDS
from greyhound.cli import main as greyhound
from service.settings import ServiceSettings

TITLES = {
    "Where things lie": "database registry kept_champion spool metrics_directory",
    "Following the champion": "champion_poll retry registry_timeout load_timeout model_budget webhook",
    "Experiments": "experiments_",
    "The guard": "automation guard_ probation probation_races fuse_",
    "The monitor": "monitor_ retrain_",
    "The race database": "database_ replayed_",
    "How much work": "queue max_ header_ body_ batch_ write_ keep_alive",
    "Stopping": "drain grace",
    "Who may ask": "protect keys_ failed_ rate_ cors trusted hsts root_path",
    "The prediction log": "log_predictions log_interval log_queue log_days spool_ seal_",
    "Notifications": "notify notify_",
    "Inputs": "count_inputs inputs_",
    "Other servers' protocols": "inference_",
    "What it tells": "log_",
}
"""Headings, and how the names of their settings begin; the first that fits. What fits none comes last."""

_INTRODUCTION = """
# Settings

All settings are environment variables. Those of the service are read once, when `greyhound serve` or
`greyhound up` starts; a value that breaks its rule is an error that names the variable and the rule, and
nothing starts. Lists are written as JSON. Each may stand in a file instead, as passwords do in containers:
`GREYHOUND_DATABASE_FILE=/run/secrets/database`. This page is made from the code at each build.

```
GREYHOUND_PORT=8080 GREYHOUND_LOG_LEVEL=warning greyhound serve
```
"""


def settings_page() -> str:
    """Return the page."""
    parts = [_INTRODUCTION]
    schema = ServiceSettings.model_json_schema()["properties"]
    for title in (*TITLES, "Others"):
        names = [name for name in ServiceSettings.model_fields if title_of(name) == title]
        if names:
            rows = [_entry(f"GREYHOUND_{name.upper()}", schema[name]) for name in names]
            parts += [f"## {title}", *rows]
    parts += [
        "## Of commands alone",
        "Options of commands that may stand in the environment, beside those above.",
        table(("variable", "default", "commands", "meaning"), _of_commands()),
    ]
    fields = FrontendSettings.model_json_schema()["properties"]
    prefix = FrontendSettings.model_config.get("env_prefix", "")
    rows = [_entry(f"{prefix}{name.upper()}", fields[name]) for name in FrontendSettings.model_fields]
    parts += ["## The front end", "Read by `greyhound frontend`.", *rows]
    return "\n\n".join(parts)


def title_of(name: str) -> str:
    """Return the heading under which a setting stands."""
    for title, beginnings in TITLES.items():
        for start in beginnings.split():
            if name == start or (name.startswith(start) and start not in ServiceSettings.model_fields):
                return title
    return "Others"


def _entry(variable: str, schema: Json) -> str:
    """Return a setting as an entry of a list of definitions."""
    values = [choice for choice in schema.get("anyOf", [schema]) if choice.get("type") != "null"]
    may_be = " or ".join(kind(choice) for choice in values)
    default = code(written(schema.get("default")))
    meaning = sentence(str(schema.get("description", "")))
    aside = f"default {default}" if default else "not set by default"
    return f"`{variable}`\n:   {meaning}  \n    <small>{may_be}; {aside}</small>"


def _of_commands() -> Iterator[tuple[str, ...]]:
    """Yield the variables that only options of commands read."""
    known = {f"GREYHOUND_{name.upper()}" for name in ServiceSettings.model_fields}
    found: dict[str, tuple[click.Option, list[str]]] = {}
    for path, command in _all_commands():
        for option in command.params:
            variable = option.envvar if isinstance(option.envvar, str) else ""
            is_listed = variable in known or variable.startswith("GREYHOUND_FRONTEND_")
            if isinstance(option, click.Option) and variable and not is_listed:
                found.setdefault(variable, (option, []))[1].append(path)
    for variable, (option, paths) in found.items():
        meaning = sentence(option.help or f"As `{option.opts[0]}` of these commands")
        value = option.to_info_dict()["default"]
        default = "" if callable(value) else written(value)
        yield code(variable), code(default), ", ".join(map(code, paths)), meaning


def _all_commands() -> Iterator[tuple[str, click.Command]]:
    context = click.Context(greyhound)
    for name in COMMANDS:
        command = greyhound.get_command(context, name)  # type: ignore[attr-defined]
        yield name, command
        if isinstance(command, click.Group):
            yield from ((f"{name} {sub}", of) for sub, of in command.commands.items())
