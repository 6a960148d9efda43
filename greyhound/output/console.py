"""The console on which commands show tables and coloured lines, clean as all that is printed."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from greyhound.output.printing import clean, leave_broken_pipe


class CleanConsole(Console):
    """A console whose colours and cursor movements are its own: no string holds markup or steers it."""

    def __init__(self, **options: Any) -> None:
        super().__init__(highlight=False, markup=False, emoji=False, **options)

    def render_str(self, text: str, **options: Any) -> Text:
        """Return a string as a text; cleaned first, so that tables measure what they show."""
        return super().render_str(clean(text), **options)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """Yield the segments of anything that can be shown; a finished ``Text`` is cleaned here."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else Segment(clean(segment.text), segment.style)

    def on_broken_pipe(self) -> None:
        """End quietly when the reader of the output has left, as ``head`` does."""
        leave_broken_pipe()
        raise SystemExit(1)


# For people; under --json nothing is printed to it.
console = CleanConsole()
