"""The command `greyhound`: its subcommands, imported when they are run, and what its exit codes mean."""

import importlib
import os
import signal
import sys
from types import FrameType
from typing import Any, NoReturn

import click

from greyhound.errors import REFUSED, ExtraMissing, exit_code, one_line
from greyhound.output.printing import clean_output, leave_broken_pipe, print_trace, say, shown
from greyhound.secret_files import read_secret_files

# name: (where the command stands, what it does in one line). The line is written here so that
# `greyhound --help` answers without importing MLflow, scikit-learn or the web service.
COMMANDS = {
    "up": ("greyhound.commands.up:up", "Fill, train and promote where nothing is yet, then serve."),
    "prepare": ("greyhound.commands.prepare:prepare", "What `up` does, without serving."),
    "demo": (
        "greyhound.commands.demo:demo",
        "Let a made-up season pass beside a service that watches itself.",
    ),
    "import": ("greyhound.commands.import_:import_group", "Import files of races, whatever they are."),
    "watch": ("greyhound.commands.watch:watch", "Import the files of a folder as they come."),
    "migrate": (
        "greyhound.commands.migrate:migrate",
        "Bring the tables of the race database up to date.",
    ),
    "data": ("greyhound.commands.data:data", "Show what the race database holds, and what it lacks."),
    "simulate": ("greyhound.commands.simulate:simulate", "Fill the database with a simulated season."),
    "dogs": ("greyhound.commands.dogs:dogs", "Find dogs by name; show one with its runs and ratings."),
    "tracks": ("greyhound.commands.tracks:tracks", "List tracks, their names and codes."),
    "train": ("greyhound.commands.train:train", "Search, calibrate, judge and register a model."),
    "retrain": (
        "greyhound.commands.retrain:retrain",
        "Import what is new, train, put it beside the champion.",
    ),
    "worker": ("greyhound.commands.worker:worker", "Fit for trainings elsewhere, by a Dask scheduler."),
    "models": (
        "greyhound.commands.models.versions:models",
        "List, show, promote, roll back and export models.",
    ),
    "experiments": (
        "greyhound.commands.experiments:experiments",
        "Compare challengers with the champion while it serves.",
    ),
    "predict": ("greyhound.commands.predict:predict", "Give the win probabilities of a card."),
    "predictions": (
        "greyhound.commands.predictions:predictions",
        "Show the answered cards that were logged, and judge them.",
    ),
    "record": ("greyhound.commands.record:record", "Seal the days of predictions, and check them."),
    "replay": ("greyhound.commands.replay:replay", "Score logged cards again with another version."),
    "score": ("greyhound.commands.score:score", "Write the win probabilities of stored races to a file."),
    "evaluate": ("greyhound.commands.evaluate:evaluate", "Judge a model on stored races beside the market."),
    "export": (
        "greyhound.commands.export:export",
        "Write fair prices of a day for tools of the exchange.",
    ),
    "automation": (
        "greyhound.commands.automation:automation",
        "Turn on and off that the champion changes without a person.",
    ),
    "monitor": ("greyhound.commands.monitor:monitor", "Show whether what serves is well, and what to do."),
    "backup": ("greyhound.commands.backup:backup", "Copy everything while it is served; check a copy."),
    "restore": ("greyhound.commands.restore:restore", "Bring a backup back, here or elsewhere."),
    "keys": ("greyhound.commands.keys:keys", "Make, list and revoke the service's API keys."),
    "notify": ("greyhound.commands.notify:notify", "Test the channels of notifications, list what was sent."),
    "serve": ("greyhound.commands.serve:serve", "Serve the champion over HTTP."),
    "day": ("greyhound.commands.day:day", "Play a past day with the clock, and show its record."),
    "feed": ("greyhound.commands.feed:feed", "Send recordings of Betfair's stream into a running service."),
    "frontend": ("greyhound.commands.frontend:frontend", "Show a service in the browser."),
}
SECTIONS = {
    "All at once": "up prepare demo",
    "Races": "import watch migrate data simulate day dogs tracks",
    "Models": "train retrain worker evaluate models experiments automation",
    "Predictions": "predict score export predictions record replay",
    "The service": "serve frontend monitor backup restore keys notify feed",
}
INTERRUPTED = 130


class LazyGroup(click.Group):
    """A group that imports a command when it is run, and turns errors into one line and an exit code."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all commands, in the order in which a person meets them."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import and return a command; ``None`` if there is none of that name."""
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        try:
            command: click.Command = getattr(importlib.import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise ExtraMissing.of(error, cmd_name) from error
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the lists of commands from :data:`SECTIONS` and :data:`COMMANDS`, importing none of them."""
        for title, names in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name, COMMANDS[name][1]) for name in names.split()])

    def invoke(self, ctx: click.Context) -> Any:
        """Run the command; a missing module that an extra brings says which extra."""
        try:
            return super().invoke(ctx)
        except ModuleNotFoundError as error:
            raise ExtraMissing.of(error, ctx.invoked_subcommand or "greyhound") from error

    def main(self, *args: Any, standalone_mode: bool = True, **extra: Any) -> Any:
        """Run the command line and exit; with ``standalone_mode=False`` return and let errors through."""
        extra["standalone_mode"] = False
        if not standalone_mode:
            return super().main(*args, **extra)
        interrupts = _noted_interrupts()
        with clean_output():
            try:
                read_secret_files()
                result = super().main(*args, **extra)
                sys.stdout.flush()
            except click.exceptions.NoArgsIsHelpError as error:
                error.show()
                sys.exit(error.exit_code)
            except click.UsageError as error:
                where = f" (see {error.ctx.command_path} --help)" if error.ctx else ""
                _fail(error.format_message().rstrip(".") + where, error.exit_code)
            except click.ClickException as error:
                _fail(error.format_message(), error.exit_code)
            except (click.Abort, KeyboardInterrupt):
                _fail("interrupted", INTERRUPTED)
            except BrokenPipeError:  # `greyhound models list | head`: the reader has left
                leave_broken_pipe()
                sys.exit(1)
            except (
                UnicodeEncodeError
            ) as error:  # an argument's bytes that are no text, on their way to a database
                text = error.object[max(0, error.start - 20) : error.end + 20]
                _fail(f"text must be UTF-8, got {text!r}", REFUSED)
            except Exception as error:
                if interrupts:  # what it interrupted makes another error of it: numpy's import an ImportError
                    _fail("interrupted", INTERRUPTED)
                if os.environ.get("GREYHOUND_DEBUG") == "1":
                    sys.excepthook = print_trace
                    raise
                _fail(one_line(error), exit_code(error))
            sys.exit(result if type(result) is int else 0)


@click.command(cls=LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="greyhound", prog_name="greyhound")
def main() -> None:
    """Calibrated win probabilities for greyhound races: import, train, register, serve.

    \b
    A first look, from nothing to a served model:
      greyhound up
    With files of your own:
      greyhound import downloads/
      greyhound train
      greyhound predict card.json

    Exit codes: 0 done; 1 unexpected; 2 wrong usage; 3 input refused; 4 something needed is absent (database,
    champion, version, extra); 5 gates not passed; 6 something to look at; 130 interrupted.
    """


def _noted_interrupts() -> list[int]:
    """Return a list that grows with each Ctrl-C, which raises KeyboardInterrupt as ever."""
    interrupts: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        interrupts.append(number)
        signal.default_int_handler(number, frame)

    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:  # not where it is ignored
        signal.signal(signal.SIGINT, note)
    return interrupts


def _fail(message: str, code: int) -> NoReturn:
    try:
        say(f"greyhound: {shown(message)}", err=True)
    except OSError:  # nobody reads it, or the disk under it is full: the exit code is left
        leave_broken_pipe()
    sys.exit(code)
