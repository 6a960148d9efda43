"""Every endpoint of the service: a function that returns its call, and in both clients a method of that name.

A new one is a function here and a line in :class:`EndpointMethods`.
"""

import datetime as dt
import inspect
import json
from collections.abc import Awaitable, Callable, Iterable, Mapping
from types import MethodType
from typing import (
    Any,
    Generic,
    Literal,
    ParamSpec,
    Protocol,
    TypeAlias,
    TypedDict,
    TypeVar,
    Unpack,
    get_args,
    overload,
)

from pydantic import ValidationError
from pydantic_core import to_json

from greyhound_client import models as wire
from greyhound_client.errors import Problem, Unreadable, problem_of_document
from greyhound_client.events import EventReader
from greyhound_client.transport import Call

Card: TypeAlias = wire.CardIn | Mapping[str, Any]
PriceReport: TypeAlias = wire.PriceReportIn | Mapping[str, Any]
RaceResult: TypeAlias = wire.RaceResultIn | Mapping[str, Any]
By: TypeAlias = Literal["week", "track", "version"]
Mode: TypeAlias = Literal["shadow", "split"]
Bet: TypeAlias = Literal["exacta", "quinella", "trifecta", "first_four"]
Prices: TypeAlias = Literal["none", "at_the_off"]
CardAnswer: TypeAlias = wire.PredictionOut | Problem
"""The answer to one card of a batch; a problem is handed over, not raised, as other cards follow."""
P = ParamSpec("P")
Answer = TypeVar("Answer")
Result = TypeVar("Result")
NDJSON, CSV = "application/x-ndjson", "text/csv"


class PredictionFilter(TypedDict, total=False):
    """Filters of logged predictions; one that is left out matches all."""

    since: dt.date | None
    until: dt.date | None
    version: int | None
    track: str | None


class GuideDetails(TypedDict, total=False):
    """What a form guide's CSV may not say itself: its file's name, or race day, track and distance."""

    name: str | None
    date: dt.date | None
    track: str | None
    distance_m: int | None


def predict(
    card: Card, *, explain: bool = False, bets: Iterable[Bet] = (), top: int | None = None
) -> Call[wire.PredictionOut]:
    """Return the probabilities of a card; with ``explain`` also why, with ``bets`` the ``top`` of each."""
    return Call("POST", "/predict", wire.PredictionOut, _query(explain, bets, top), _json(card))


def predict_batch(
    cards: Iterable[Card] | str,
    *,
    bets: Iterable[Bet] = (),
    top: int | None = None,
    **guide: Unpack[GuideDetails],
) -> Call[str]:
    """Return the answers of many cards, or of the card that the text of a form guide's CSV holds."""
    query = _query(explain=False, bets=bets, top=top)
    if isinstance(cards, str):
        return Call("POST", "/predict/batch", str, {**guide, **query}, cards.encode(), CSV)
    lines = b"".join(_json(card) + b"\n" for card in cards)
    return Call("POST", "/predict/batch", str, query, lines, NDJSON)


def race_days(*, limit: int = 50, before: dt.date | None = None) -> Call[wire.RaceDaysOut]:
    """Return a page of the days that have stored races, the newest first."""
    return Call("GET", "/race-days", wire.RaceDaysOut, {"limit": limit, "before": before})


def races(date: dt.date) -> Call[wire.RacesOut]:
    """Return the stored races of a day, by track and number."""
    return Call("GET", "/races", wire.RacesOut, {"date": date})


def race(race_id: int, *, prices: Prices = "none") -> Call[wire.StoredRaceOut]:
    """Return a stored race as a card, and how it came out; ``at_the_off`` puts the market's prices on it."""
    return Call("GET", f"/races/{race_id:d}", wire.StoredRaceOut, {"prices": prices})


def race_form(race_id: int) -> Call[wire.RaceFormOut]:
    """Return the last six runs of each runner of a race, all of days before the race's."""
    return Call("GET", f"/races/{race_id:d}/form", wire.RaceFormOut)


def dogs(q: str, *, limit: int = 20) -> Call[wire.FoundDogsOut]:
    """Return stored dogs by any part of their names; where there is none, names that were probably meant."""
    return Call("GET", "/dogs", wire.FoundDogsOut, {"q": q, "limit": limit})


def dog(dog_id: int, *, limit: int = 30, before: dt.date | None = None) -> Call[wire.DogOut]:
    """Return a dog with a page of its runs, its ratings over time, and how it fared by box and by track."""
    return Call("GET", f"/dogs/{dog_id:d}", wire.DogOut, {"limit": limit, "before": before})


def tracks(q: str | None = None) -> Call[wire.TracksOut]:
    """Return all tracks, or those of which a name or code holds ``q``."""
    return Call("GET", "/tracks", wire.TracksOut, {"q": q})


def upcoming(date: dt.date | None = None, *, predict: bool = False) -> Call[wire.UpcomingOut]:
    """Return the races that are due, or all of a day; with ``predict`` each with its prediction in short."""
    query = {"date": date, **({"predict": True} if predict else {})}
    return Call("GET", "/races/upcoming", wire.UpcomingOut, query)


def race_prediction(
    race_id: int, *, explain: bool = False, bets: Iterable[Bet] = (), top: int | None = None
) -> Call[wire.PredictionOut]:
    """Return the prediction of a stored race, its newest prices on the card; see :func:`predict`."""
    query = _query(explain, bets, top)
    return Call("GET", f"/races/{race_id:d}/prediction", wire.PredictionOut, query)


def send_cards(cards: Iterable[Card], *, stated_at: dt.datetime | None = None) -> Call[wire.StoredCardsOut]:
    """Store races to come as they are stated, by default now; takes a key with the scope ``results``."""
    at = {} if stated_at is None else {"stated_at": stated_at.isoformat(timespec="seconds")}
    return Call("POST", "/races/upcoming", wire.StoredCardsOut, content=_json({"cards": list(cards), **at}))


def scratch(race_id: int, name: str, *, is_scratched: bool = True) -> Call[wire.StoredRaceOut]:
    """Say that a runner is withdrawn, or is not after all; takes a key with the scope ``results``."""
    content = _json({"name": name, "is_scratched": is_scratched})
    return Call("POST", f"/races/{race_id:d}/scratchings", wire.StoredRaceOut, content=content)


def card(form_guide: str, **guide: Unpack[GuideDetails]) -> Call[wire.GuideCardOut]:
    """Return the card that the text of a form guide's CSV holds; nothing of it is stored."""
    return Call("POST", "/cards", wire.GuideCardOut, guide, form_guide.encode(), CSV)


def predictions(
    *,
    limit: int = 50,
    before: int | None = None,
    counted: bool = False,
    with_late: bool | None = None,
    **filters: Unpack[PredictionFilter],
) -> Call[wire.LoggedCardsOut]:
    """Return a page of logged predictions with their outcomes, the newest first.

    ``counted``: only those that a score counts, of each judged race the last.
    """
    query = {"limit": limit, "before": before, "counted": counted, "with_late": with_late, **filters}
    return Call("GET", "/predictions", wire.LoggedCardsOut, query)


def scores(
    *, by: By = "week", with_late: bool = False, **filters: Unpack[PredictionFilter]
) -> Call[wire.ScoresOut]:
    """Return how good the logged predictions were, beside the market."""
    query = {"by": by, "with_late": with_late, **filters}
    return Call("GET", "/predictions/score", wire.ScoresOut, query)


def by_minutes(
    *, limit: int = 500, with_late: bool = False, **filters: Unpack[PredictionFilter]
) -> Call[wire.ByMinutesOut]:
    """Return how model, market and both together did by minutes to the off, on races with stored prices."""
    query = {"limit": limit, "with_late": with_late, **filters}
    return Call("GET", "/predictions/by-minutes", wire.ByMinutesOut, query)


def seals(*, limit: int = 50, before: dt.date | None = None) -> Call[wire.SealsOut]:
    """Return a page of the seals of the days of predictions, the newest first."""
    return Call("GET", "/record/seals", wire.SealsOut, {"limit": limit, "before": before})


def monitor() -> Call[wire.MonitorOut]:
    """Return what serves, whether it is well, and what somebody should look at."""
    return Call("GET", "/monitor", wire.MonitorOut)


def send_results(races: Iterable[RaceResult]) -> Call[wire.ResultsOut]:
    """Report how races came out; takes a key with the scope ``results``."""
    return Call("POST", "/results", wire.ResultsOut, content=_json({"races": list(races)}))


def send_prices(prices: Iterable[PriceReport]) -> Call[wire.PricesOut]:
    """Report prices of races to come; takes a key with the scope ``results``."""
    return Call("POST", "/prices", wire.PricesOut, content=_json({"prices": list(prices)}))


def events(
    *, kinds: Iterable[str] | None = None, after: int | None = None, give_up_s: float | None = None
) -> Call[str]:
    """Return the stream of what happens on race day."""
    return EventReader("", kinds, after, give_up_s).call()


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


def promote(
    version: int, *, reason: str, force: bool = False, probation: bool | None = None
) -> Call[wire.PromotionOut]:
    """Make a version the champion, with ``force`` even if it failed its gates; takes a key (``promote``).

    On ``probation`` the champion before comes back by itself if it is better; None leaves it to the service.
    """
    why = {"reason": reason, "force": force, **({} if probation is None else {"probation": probation})}
    path = f"/models/{version:d}/promote"
    return Call("POST", path, wire.PromotionOut, content=_json(why), is_repeatable=False)


def rollback(*, reason: str) -> Call[wire.PromotionOut]:
    """Give the role back to the champion before this one; takes a key with the scope ``promote``."""
    content = _json({"reason": reason})
    return Call("POST", "/rollback", wire.PromotionOut, content=content, is_repeatable=False)


def automation() -> Call[wire.AutomationOut]:
    """Return what the service does by itself."""
    return Call("GET", "/automation", wire.AutomationOut)


def turn_automation(*, on: bool, reason: str) -> Call[wire.SwitchOut]:
    """Turn on or off that the champion changes without a person; takes a key with the scope ``promote``."""
    return Call("POST", "/automation", wire.SwitchOut, content=_json({"on": on, "reason": reason}))


def experiments(*, limit: int = 50, before: int | None = None) -> Call[wire.ExperimentsOut]:
    """Return a page of the record of experiments, the newest first."""
    return Call("GET", "/experiments", wire.ExperimentsOut, {"limit": limit, "before": before})


def experiment(experiment_id: int) -> Call[wire.ExperimentDetailsOut]:
    """Return an experiment, its contestants with the verdicts on them, and what was decided."""
    return Call("GET", f"/experiments/{experiment_id:d}", wire.ExperimentDetailsOut)


def experiment_path(experiment_id: int, *, contestant: str) -> Call[wire.PathOut]:
    """Return the gain of a contestant over the champion as races came in, to be drawn."""
    query = {"contestant": contestant}
    return Call("GET", f"/experiments/{experiment_id:d}/path", wire.PathOut, query)


def start_experiment(
    challengers: Iterable[int],
    *,
    reason: str,
    mode: Mode = "shadow",
    share: float = 0.0,
    policy: wire.PolicyIn | Mapping[str, Any] | None = None,
) -> Call[wire.ExperimentOut]:
    """Compare versions with the champion, in shadow or on a share of races; takes a key (``promote``)."""
    wanted = {"challengers": [*challengers], "mode": mode, "share": share, "policy": policy, "reason": reason}
    return Call("POST", "/experiments", wire.ExperimentOut, content=_json(wanted), is_repeatable=False)


def stop_experiment(experiment_id: int, *, reason: str) -> Call[wire.ExperimentOut]:
    """End the experiment that runs, with the verdicts so far; takes a key with the scope ``promote``."""
    path = f"/experiments/{experiment_id:d}/stop"
    return Call("POST", path, wire.ExperimentOut, content=_json({"reason": reason}), is_repeatable=False)


def change_share(experiment_id: int, share: float) -> Call[wire.ExperimentOut]:
    """Change how many of the races challengers answer; takes a key with the scope ``promote``."""
    path = f"/experiments/{experiment_id:d}/share"
    return Call("POST", path, wire.ExperimentOut, content=_json({"share": share}))


def decisions(*, limit: int = 50, before: int | None = None) -> Call[wire.DecisionsOut]:
    """Return what was decided about the champion, the newest first."""
    return Call("GET", "/decisions", wire.DecisionsOut, {"limit": limit, "before": before})


def comparison(*, champion: str, contestant: str) -> Call[wire.PairOut]:
    """Return the verdict on a contestant against any other, over all logged races that both rated."""
    query = {"champion": champion, "contestant": contestant}
    return Call("GET", "/comparisons", wire.PairOut, query)


def live() -> Call[wire.Live]:
    """Return an answer at all: the process is there."""
    return Call("GET", "/health/live", wire.Live)


def ready() -> Call[wire.Ready]:
    """Return the version that serves; :class:`~greyhound_client.errors.NotReady` if none does."""
    return Call("GET", "/health/ready", wire.Ready)


def metrics() -> Call[str]:
    """Return all counters and gauges, in Prometheus' text format."""
    return Call("GET", "/metrics", str)


def _json(value: Any) -> bytes:
    """Return JSON; of models only what was set."""
    return to_json(value, exclude_none=True)


def _query(explain: bool, bets: Iterable[Bet], top: int | None) -> dict[str, Any]:
    """Return the parameters of a prediction that differ from the defaults."""
    query = {"explain": explain or None, "bets": ",".join(bets) or None, "top": top}
    return {name: value for name, value in query.items() if value is not None}


def card_answer(line: str) -> CardAnswer:
    """Return the answer to one card from its line of the stream of ``POST /predict/batch``."""
    try:
        answer = json.loads(line)
        if "model_version" in answer:
            return wire.PredictionOut.model_validate(answer)
        return problem_of_document(answer)
    except (ValidationError, ValueError, TypeError, AttributeError) as error:
        raise Unreadable(f"a line of the stream is no answer to a card: {line[:200]!r}") from error


class _Blocking(Protocol):
    def ask(self, call: Call[Answer]) -> Answer: ...


class _Awaited(Protocol):
    def ask(self, call: Call[Answer]) -> Awaitable[Answer]: ...


class _Method(Generic[P, Result]):
    """A method that calls an endpoint, with the endpoint's signature and docstring.

    In the blocking client it returns the answer, in the asynchronous one an awaitable of it.
    """

    def __init__(self, endpoint: Callable[P, Call[Result]]) -> None:
        def method(client: Any, /, *args: P.args, **kwargs: P.kwargs) -> Any:
            return client.ask(endpoint(*args, **kwargs))

        signature = inspect.signature(endpoint)
        client = inspect.Parameter("self", inspect.Parameter.POSITIONAL_ONLY)
        (answer,) = get_args(signature.return_annotation)
        method.__name__, method.__doc__ = endpoint.__name__, endpoint.__doc__
        method.__signature__ = signature.replace(  # type: ignore[attr-defined]
            parameters=[client, *signature.parameters.values()], return_annotation=answer
        )
        self._method = method

    @overload
    def __get__(self, client: None, owner: type) -> Callable[..., Any]: ...
    @overload
    def __get__(self, client: _Blocking, owner: type) -> Callable[P, Result]: ...
    @overload
    def __get__(self, client: _Awaited, owner: type) -> Callable[P, Awaitable[Result]]: ...
    def __get__(self, client: object, owner: type) -> Callable[..., Any]:
        return self._method if client is None else MethodType(self._method, client)


class EndpointMethods:
    """The endpoints as methods, of both clients."""

    predict = _Method(predict)
    race_days = _Method(race_days)
    races = _Method(races)
    race = _Method(race)
    race_form = _Method(race_form)
    dogs = _Method(dogs)
    dog = _Method(dog)
    tracks = _Method(tracks)
    upcoming = _Method(upcoming)
    race_prediction = _Method(race_prediction)
    send_cards = _Method(send_cards)
    scratch = _Method(scratch)
    card = _Method(card)
    predictions = _Method(predictions)
    scores = _Method(scores)
    by_minutes = _Method(by_minutes)
    seals = _Method(seals)
    monitor = _Method(monitor)
    send_results = _Method(send_results)
    send_prices = _Method(send_prices)
    model_status = _Method(model_status)
    models = _Method(models)
    model = _Method(model)
    evidence = _Method(evidence)
    report = _Method(report)
    promotions = _Method(promotions)
    promote = _Method(promote)
    rollback = _Method(rollback)
    automation = _Method(automation)
    turn_automation = _Method(turn_automation)
    experiments = _Method(experiments)
    experiment = _Method(experiment)
    experiment_path = _Method(experiment_path)
    start_experiment = _Method(start_experiment)
    stop_experiment = _Method(stop_experiment)
    change_share = _Method(change_share)
    decisions = _Method(decisions)
    comparison = _Method(comparison)
    live = _Method(live)
    ready = _Method(ready)
    metrics = _Method(metrics)
