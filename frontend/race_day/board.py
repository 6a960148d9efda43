"""The day as a board: meetings as rows, races as cells, those to come first, the next one first of all."""

import datetime as dt
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from frontend.race.traps import jacket
from frontend.race_day.clock import Clock, clock_of, zone_named
from greyhound_client.models import UpcomingOut, UpcomingRaceOut

_LAST = dt.datetime.max.replace(tzinfo=dt.UTC)


@dataclass(frozen=True, slots=True)
class Cell:
    """One race of the board."""

    race: UpcomingRaceOut
    clock: Clock | None
    is_to_come: bool
    """Neither run as far as is known, nor due before now; without a time it is to come on its day."""
    is_next: bool = False

    @property
    def jacket(self) -> str:
        """Return whose colours its runners wear."""
        return jacket(self.race.country)

    @property
    def is_awaited(self) -> bool:
        """Return whether it was due, and how it came out is not known."""
        return not self.is_to_come and not self.race.is_outcome_known

    @property
    def has_top_pick_won(self) -> bool | None:
        """Return whether the model's first choice won; None where either is not known."""
        prediction = self.race.prediction
        if not self.race.winners or prediction is None or prediction.top_pick is None:
            return None
        return prediction.top_pick.name in self.race.winners

    @property
    def order(self) -> tuple[bool, dt.datetime, int]:
        """Return where it stands in its row: to come by time, then those that were run."""
        return not self.is_to_come, self.clock.off_at if self.clock else _LAST, self.race.race_number or 99


@dataclass(frozen=True, slots=True)
class Meeting:
    """The races of one track on one day, a row of the board."""

    track: str
    country: str | None
    date: dt.date
    cells: tuple[Cell, ...]
    is_today: bool
    """Whether it is that day at its track."""

    @property
    def n_to_come(self) -> int:
        """Return how many of its races are to come."""
        return sum(cell.is_to_come for cell in self.cells)


@dataclass(frozen=True, slots=True)
class Board:
    """All meetings, that of the next race first; those that are over last."""

    now: dt.datetime
    meetings: tuple[Meeting, ...]

    @property
    def cells(self) -> list[Cell]:
        """Return the cells of all meetings."""
        return [cell for meeting in self.meetings for cell in meeting.cells]

    @property
    def next(self) -> Cell | None:
        """Return the race that is due next; None if none is, or no time is known."""
        return next((cell for cell in self.cells if cell.is_next), None)

    @property
    def n_to_come(self) -> int:
        """Return how many races are to come."""
        return sum(meeting.n_to_come for meeting in self.meetings)

    @property
    def problems(self) -> list[tuple[str, int]]:
        """Return why races have no prediction, the commonest reason first, and how many have it."""
        reasons: dict[str, int] = {}
        for cell in self.cells:
            prediction = cell.race.prediction
            if prediction and prediction.problem:
                reasons[prediction.problem] = reasons.get(prediction.problem, 0) + 1
        return sorted(reasons.items(), key=lambda reason: -reason[1])

    @property
    def top_picks(self) -> tuple[int, int]:
        """Return how many first choices won, of how many races whose outcome is known."""
        known = [won for cell in self.cells if (won := cell.has_top_pick_won) is not None]
        return sum(known), len(known)


def board_of(upcoming: UpcomingOut) -> Board:
    """Return the board of the races that the service lists."""
    now = upcoming.now if upcoming.now.tzinfo else upcoming.now.replace(tzinfo=dt.UTC)
    cells = [_cell(race, now) for race in upcoming.races]
    due = [cell for cell in cells if cell.is_to_come and cell.clock]
    first = min(due, key=lambda cell: cell.order, default=None)
    return Board(now, _meetings((_marked(cell, is_next=cell is first) for cell in cells), now))


def _cell(race: UpcomingRaceOut, now: dt.datetime) -> Cell:
    clock = clock_of(race)
    is_due = clock.is_past(now) if clock else race.date < (now - dt.timedelta(days=1)).date()
    return Cell(race, clock, is_to_come=not race.is_outcome_known and not is_due)


def _marked(cell: Cell, *, is_next: bool) -> Cell:
    return Cell(cell.race, cell.clock, cell.is_to_come, is_next)


def _meetings(cells: Iterable[Cell], now: dt.datetime) -> tuple[Meeting, ...]:
    by_track = sorted(cells, key=lambda cell: (cell.race.track, cell.race.date, cell.order))
    meetings = [
        Meeting(track, of_track[0].race.country, date, tuple(of_track), date == _today(of_track[0].race, now))
        for (track, date), found in groupby(by_track, key=lambda cell: (cell.race.track, cell.race.date))
        if (of_track := list(found))
    ]
    return tuple(sorted(meetings, key=lambda meeting: (*meeting.cells[0].order, meeting.track)))


def _today(race: UpcomingRaceOut, now: dt.datetime) -> dt.date:
    return now.astimezone(zone_named(race.zone)).date() if zone_named(race.zone) else now.date()
