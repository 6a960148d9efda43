"""A group of commands that takes paths too: ``greyhound import FILE`` beside ``greyhound import list``."""

from pathlib import Path

import click

DEFAULT = "files"


class PathGroup(click.Group):
    """A group whose command ``files`` is run where the first argument names no command.

    A word that names a command is the command, also where a folder has that name, which is ``./results``.
    """

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put the name of the default command before paths and options."""
        if args and args[0] not in self.commands and args[0] not in ctx.help_option_names:
            args = [DEFAULT, *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of the default command, then the commands."""
        default = self.commands[DEFAULT]
        records = [record for param in default.get_params(ctx) if (record := param.get_help_record(ctx))]
        with formatter.section("Options"):
            formatter.write_dl(records)
        self.format_commands(ctx, formatter)

    def collect_usage_pieces(self, ctx: click.Context) -> list[str]:
        """Return the usage: paths or a command."""
        return ["[OPTIONS]", "PATH...", "|", "COMMAND [ARGS]..."]


def refuse_command_among_paths(paths: tuple[str, ...], commands: click.Group) -> None:
    """Raise :class:`click.UsageError` where a command's name stands behind options, and no file has it."""
    if paths and paths[0] in commands.commands and not Path(paths[0]).exists():
        raise click.UsageError(f"options stand after {paths[0]!r}, not before it")
