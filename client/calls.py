"""Every call that the service takes, one function each; both clients have a method of the same name.

A new one is a function here, and a line in each client.
"""

import datetime as dt
from collections.abc import Iterable, Mapping
from typing import Any, Literal, TypeAlias, TypedDict, Unpack

from pydantic_core import to_json

from client import models as wire
from client.calling import Call

Card: TypeAlias = wire.CardIn | Mapping[str, Any]
RaceResult: TypeAlias = wire.RaceResultIn | Mapping[str, Any]
By: TypeAlias = Literal["week", "track", "version"]
Prices: TypeAlias = Literal["none", "at_the_off"]
NDJSON, CSV = "application/x-ndjson", "text/csv"


class Asked(TypedDict, total=False):
    """Which logged predictions are meant; what is left out does not matter."""

    since: dt.date | None
    until: dt.date | None
    version: int | None
    track: str | None


class Told(TypedDict, total=False):
    """What a form guide's CSV may not say itself: its file's name, or race day, track and distance."""

    name: str | None
    date: dt.date | None
    track: str | None
    distance_m: int | None


def predict(card: Card, *, explain: bool = False) -> Call[wire.PredictionOut]:
    """Return the probabilities of a card; with ``explain`` also why."""
    query = {"explain": True} if explain else {}
    return Call("POST", "/predict", wire.PredictionOut, query, _json(card))


def predict_batch(cards: Iterable[Card] | str, **told: Unpack[Told]) -> Call[str]:
    """Return the answers of many cards, or of the card that the text of a form guide's CSV holds."""
    if isinstance(cards, str):
        return Call("POST", "/predict/batch", str, told, cards.encode(), CSV)
    lines = b"".join(_json(card) + b"\n" for card in cards)
    return Call("POST", "/predict/batch", str, content=lines, content_type=NDJSON)


def race_days(*, limit: int = 50, before: dt.date | None = None) -> Call[wire.RaceDaysOut]:
    """Return a page of the days that have stored races, the newest first."""
    return Call("GET", "/race-days", wire.RaceDaysOut, {"limit": limit, "before": before})


def races(date: dt.date) -> Call[wire.RacesOut]:
    """Return the stored races of a day, by track and number."""
    return Call("GET", "/races", wire.RacesOut, {"date": date})


def race(race_id: int, *, prices: Prices = "none") -> Call[wire.StoredRaceOut]:
    """Return a stored race as a card, and how it came out; ``at_the_off`` puts the market's prices on it."""
    return Call("GET", f"/races/{race_id:d}", wire.StoredRaceOut, {"prices": prices})


def card(form_guide: str, **told: Unpack[Told]) -> Call[wire.GuideCardOut]:
    """Return the card that the text of a form guide's CSV holds; nothing of it is stored."""
    return Call("POST", "/cards", wire.GuideCardOut, told, form_guide.encode(), CSV)


def predictions(
    *,
    limit: int = 50,
    before: int | None = None,
    counted: bool = False,
    with_late: bool | None = None,
    **asked: Unpack[Asked],
) -> Call[wire.LoggedCardsOut]:
    """Return a page of logged predictions with their outcomes, the newest first.

    ``counted``: only those that a score counts, of each judged race the last.
    """
    query = {"limit": limit, "before": before, "counted": counted, "with_late": with_late, **asked}
    return Call("GET", "/predictions", wire.LoggedCardsOut, query)


def scores(*, by: By = "week", with_late: bool = False, **asked: Unpack[Asked]) -> Call[wire.ScoresOut]:
    """Return how good the logged predictions were, beside the market."""
    query = {"by": by, "with_late": with_late, **asked}
    return Call("GET", "/predictions/score", wire.ScoresOut, query)


def send_results(races: Iterable[RaceResult]) -> Call[wire.ResultsOut]:
    """Tell how races came out; takes a key with the scope ``results``."""
    return Call("POST", "/results", wire.ResultsOut, content=_json({"races": list(races)}))


def model_status() -> Call[wire.ModelStatus]:
    """Return which version serves, how good it is, and how it got here."""
    return Call("GET", "/model_status", wire.ModelStatus)


def models() -> Call[wire.VersionsOut]:
    """Return every registered version, the newest first."""
    return Call("GET", "/models", wire.VersionsOut)


def model(version: int) -> Call[wire.VersionOut]:
    """Return one registered version."""
    return Call("GET", f"/models/{version:d}", wire.VersionOut)


def evidence(version: int) -> Call[wire.EvidenceOut]:
    """Return what a version was trained on, and how good it is beside the baselines."""
    return Call("GET", f"/models/{version:d}/evidence", wire.EvidenceOut)


def report(version: int) -> Call[str]:
    """Return the report of a version's training, one page of HTML."""
    return Call("GET", f"/models/{version:d}/report", str)


def promotions(*, limit: int = 100) -> Call[wire.RecordsOut]:
    """Return who made which version the champion, when and why, the newest first."""
    return Call("GET", "/promotions", wire.RecordsOut, {"limit": limit})


def promote(version: int, *, reason: str, force: bool = False) -> Call[wire.PromotionOut]:
    """Make a version the champion, with ``force`` even if it failed its gates; takes a key (``promote``)."""
    why = {"reason": reason, "force": force}
    path = f"/models/{version:d}/promote"
    return Call("POST", path, wire.PromotionOut, content=_json(why), is_repeatable=False)


def rollback(*, reason: str) -> Call[wire.PromotionOut]:
    """Give the role back to the champion before this one; takes a key with the scope ``promote``."""
    content = _json({"reason": reason})
    return Call("POST", "/rollback", wire.PromotionOut, content=content, is_repeatable=False)


def live() -> Call[wire.Live]:
    """Return at all: the process is there."""
    return Call("GET", "/health/live", wire.Live)


def ready() -> Call[wire.Ready]:
    """Return the version that serves; :class:`~client.errors.NotReady` if none does."""
    return Call("GET", "/health/ready", wire.Ready)


def metrics() -> Call[str]:
    """Return everything that is counted, in Prometheus' text format."""
    return Call("GET", "/metrics", str)


def _json(value: Any) -> bytes:
    """Return JSON; of models only what was set."""
    return to_json(value, exclude_none=True)
