"""The page of all commands, from click's help."""

import inspect
from collections.abc import Iterator

import click

from docs.made.markdown import code, table
from docs.made.schema import written
from greyhound.cli import COMMANDS
from greyhound.cli import main as greyhound

_INTRODUCTION = """
# Commands

There is one command, `greyhound`, with a subcommand for each thing that a person does. It lies in
`.venv/bin` after `make setup`. Each has `--help`, from which this page is made at each build.
`--json`, where there is one, prints one JSON object on standard output and nothing else.

| exit code | when |
| --- | --- |
| 0 | done |
| 1 | something unexpected |
| 2 | wrong usage |
| 3 | input was refused |
| 4 | something needed is absent: database, champion, version, extra |
| 5 | the gates were not passed |
| 130 | interrupted |
"""


def commands_page() -> str:
    """Return the page."""
    lines = [(f"[`greyhound {name}`](#greyhound-{name})", summary) for name, (_, summary) in COMMANDS.items()]
    parts = [_INTRODUCTION, table(("command", "what it does"), lines)]
    top = click.Context(greyhound, info_name="greyhound")
    for name in COMMANDS:
        command = greyhound.get_command(top, name)  # type: ignore[attr-defined]
        parts += _command_reference(command, click.Context(command, info_name=name, parent=top), "##")
    return "\n\n".join(parts)


def _command_reference(command: click.Command, context: click.Context, level: str) -> Iterator[str]:
    yield f"{level} {context.command_path}"
    yield from _text(command.help or "")
    if not isinstance(command, click.Group) or command.invoke_without_command:
        yield f"```\n{context.command_path} {' '.join(command.collect_usage_pieces(context))}\n```"
    options = [option for option in command.params if isinstance(option, click.Option) and not option.hidden]
    if options:
        yield table(("option", "meaning", "default"), [_row(option, context) for option in options])
    if isinstance(command, click.Group):
        for name in command.list_commands(context):
            sub = command.get_command(context, name)
            if sub is not None and not sub.hidden:
                yield from _command_reference(sub, click.Context(sub, info_name=name, parent=context), "###")


def _text(text: str) -> Iterator[str]:
    """Yield a help text's paragraphs; those that click keeps as they are, and examples, as code."""
    for paragraph in inspect.cleandoc(text).split("\n\n"):
        if paragraph.startswith("\b\n"):
            title, _, lines = paragraph[2:].partition("\n")
            is_example = title.rstrip(":").endswith(("Example", "Examples")) or lines.startswith("  ")
            yield f"{title}\n\n```\n{inspect.cleandoc(lines)}\n```" if is_example else paragraph[2:]
        elif paragraph.startswith("Example: "):
            yield f"Example:\n\n```\n{paragraph.removeprefix('Example: ')}\n```"
        else:
            yield paragraph


def _row(option: click.Option, context: click.Context) -> tuple[str, str, str]:
    names = ", ".join(code(name) for name in (*option.opts, *option.secondary_opts))
    if not option.is_flag and not option.count:
        names += f" {option.make_metavar(context).replace('[', '').replace(']', '')}"
    meaning = option.help or ""
    if option.envvar and option.show_envvar:
        meaning += f" [`{option.envvar}`](settings.md)"
    default = option.get_default(context, call=False)
    is_plain = (
        option.show_default and isinstance(default, str | int | float) and not isinstance(default, bool)
    )
    return names, meaning, code(written(default)) if is_plain else ""
