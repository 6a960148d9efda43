"""The table that is printed, and a sentence for each of its lines: what exactly was measured."""

from rich.console import Console
from rich.table import Table

ABSENT = "absent"


class Sheet:
    """Lines as they are measured; a figure that is ``None`` was not exposed, and is shown as absent."""

    def __init__(self) -> None:
        self.lines: list[tuple[str, str, str, str, str]] = []
        self._meanings: dict[str, str] = {}

    def add(
        self,
        what: str,
        service: float | None,
        *,
        echo: float | None = None,
        target: str = "",
        means: str = "",
        is_beside: bool = False,
        digits: int = 2,
    ) -> None:
        """Add a line; ``target`` bounds the ratio where there are two figures, else the figure."""
        shown = ABSENT if service is None else f"{service:,.{digits}f}"
        beside = f"{echo:,.{digits}f}" if echo is not None else ABSENT if is_beside else ""
        ratio = f"{service / echo:.2f}" if service is not None and echo else ""
        self.lines.append((what, beside, shown, ratio, target))
        if means:
            self._meanings[what] = means

    def show(self, console: Console) -> None:
        """Print the table, and what its lines mean."""
        table = Table("what", "beside", "service", "ratio", "target", title="The service beside a bare echo")
        for line in self.lines:
            table.add_row(*line)
        console.print(table)
        for what, means in self._meanings.items():
            console.print(f"[bold]{what}[/bold]: {means}")
