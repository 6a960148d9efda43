"""What a finish column means: a place, a dead heat, a runner that was not placed or did not run.

The codes are those of Australian and New Zealand stewards (F, D, T, P, R, BD and ``SCR``, ``L/SCR``), of
The Greyhound Recorder (``SCR``, ``DNF``) and of British results (``=2``, ``DH``, ``DNF``, ``DIS``, ``NR``;
0 is a runner without a place at GBGB). ``LOST`` is ours, where a source tells only who won.
"""

import re
from dataclasses import dataclass
from enum import StrEnum

from racing.importers.records.source_record import RowRefused

LAST_PLACE = 10


class Outcome(StrEnum):
    """What became of a runner."""

    PLACED = "placed"
    UNPLACED = "ran and was not placed"
    DID_NOT_RUN = "did not run"
    NO_RACE = "its race was void"
    BLANK = "unknown"


_UNPLACED = (
    "F", "FELL", "FL", "BD", "BROUGHTDOWN", "KO", "KNOCKEDOVER",
    "DNF", "DIDNOTFINISH", "NF", "PU", "P", "PULLEDUP", "T", "TAILEDOFF", "R", "RANOFF", "REFUSED", "STOPPED",
    "UN", "UNPL", "UNPLACED", "NBT", "LOST",
    "FTP", "FAILEDTOPURSUE", "FAILTOPURSUE", "FTF", "FAILEDTOFINISH", "DIDNOTCHASE",
    "D", "DQ", "DSQ", "DIS", "DISQ", "DISQUALIFIED",
)  # fmt: skip
_DID_NOT_RUN = (
    "SCR", "SCRATCHED", "LSCR", "LATESCR", "LATESCRATCHING", "NR", "NONRUNNER", "DNR", "DNS", "DIDNOTSTART",
    "WD", "WDN", "WITHDRAWN", "RES", "RESERVE", "REMOVED", "VAC", "VACANT",
)  # fmt: skip
_NO_RACE = ("ABD", "ABN", "ABANDONED", "VOID", "NORACE", "NORESULT", "CANCELLED")
_MISSING = ("", "NAN", "NA", "NONE", "NULL")
CODES = (
    dict.fromkeys(_UNPLACED, Outcome.UNPLACED)
    | dict.fromkeys(_DID_NOT_RUN, Outcome.DID_NOT_RUN)
    | dict.fromkeys(_NO_RACE, Outcome.NO_RACE)
    | dict.fromkeys(_MISSING, Outcome.BLANK)
)
"""What each code means; written in capitals, without spaces, points and strokes."""

_PLACE = re.compile(
    r"(=|DH|DEADHEAT)?\s*([0-9]{1,2})(?:\.0*)?\s*(?:ST|ND|RD|TH)?\s*(=|DH|DEADHEAT)?", re.IGNORECASE
)
_SEPARATORS = re.compile(r"[\s./\\_()\-]+")


@dataclass(frozen=True, slots=True)
class Finish:
    """What one finish column says; ``place`` is 1..10, ``None`` where the runner has none."""

    outcome: Outcome
    place: int | None = None
    is_dead_heat: bool = False


def finish_of(text: str) -> Finish:
    """Return what a finish column means.

    Raises
    ------
    RowRefused
        If it is neither a place nor a code that is known.
    """
    text = text.strip()
    if found := _PLACE.fullmatch(text):
        place = int(found[2])
        if 1 <= place <= LAST_PLACE:
            return Finish(Outcome.PLACED, place, bool(found[1] or found[3]))
        if place == 0:
            return Finish(Outcome.UNPLACED)
    elif outcome := CODES.get(_SEPARATORS.sub("", text).upper()):
        return Finish(outcome)
    rule = f"finish_position must be 1..{LAST_PLACE} or a code such as =2, DNF, DSQ or SCR"
    raise RowRefused(f"{rule}, got {text!r}")
