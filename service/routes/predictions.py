"""``GET /predictions``: what was answered, how it came out, and how good it was."""

from collections.abc import Mapping, Sequence
from typing import Annotated, Literal

from fastapi import APIRouter, Depends, Query
from sqlalchemy import Engine

from racing.predictions.by_minutes import MAX_RACES, score_by_minutes
from racing.predictions.listing import LoggedCard, predictions_with_outcomes, track_names
from racing.predictions.prediction_filter import PredictionFilter
from racing.predictions.reading import n_newest_unread
from racing.predictions.score import score_predictions
from racing.predictions.unreadable import n_unreadable
from service.dependencies import LogReads, Slots
from service.openapi.responses import problems
from service.schemas.by_minutes import ByMinutesOut, by_minutes_out
from service.schemas.fields import Day
from service.schemas.predictions import LoggedCardOut, LoggedCardsOut, ScoresOut, scores_out, utc
from service.serving.slots import Snapshot

router = APIRouter(prefix="/predictions", tags=["prediction log"])
MAX_ID = 2**62


async def _prediction_filter(
    since: Annotated[Day | None, Query(description="First race day.", examples=["2026-03-01"])] = None,
    until: Annotated[Day | None, Query(description="Last race day.", examples=["2026-03-31"])] = None,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1, description="Version that answered.")] = None,
    track: Annotated[
        str | None, Query(min_length=1, max_length=60, description="Track, under any of its names.")
    ] = None,
) -> PredictionFilter:
    return PredictionFilter(since=since, until=until, version=version, track=track)


Filter = Annotated[PredictionFilter, Depends(_prediction_filter)]
Limit = Annotated[int, Query(ge=1, le=200, description="Cards a page.")]
Before = Annotated[int | None, Query(ge=1, le=MAX_ID, description="Older than this one; see `next_before`.")]
By = Annotated[Literal["week", "track", "version"], Query(description="What to group by.")]
Late = Annotated[bool, Query(description="Also cards that were answered after race day.")]
Counted = Annotated[
    bool,
    Query(description="Only the cards that `GET /predictions/score` counts: of each judged race the last."),
]
Newest = Annotated[
    int, Query(ge=1, le=2_000, description="The newest races with prices are judged: at most so many.")
]
ListLate = Annotated[
    bool | None,
    Query(
        description="Also cards that were answered after race day, see `is_ahead`. Left out, they are "
        "listed, but not with `counted`: a score leaves them out too."
    ),
]


@router.get("", summary="Logged predictions with their outcomes", responses=problems(422, 503))
async def get_predictions(
    reads: LogReads,
    slots: Slots,
    filter: Filter,
    limit: Limit = 50,
    before: Before = None,
    counted: Counted = False,
    with_late: ListLate = None,
) -> LoggedCardsOut:
    """List answered cards, the newest first, page by page."""
    late = not counted if with_late is None else with_late

    def page(engine: Engine) -> LoggedCardsOut:
        cards = predictions_with_outcomes(
            engine, filter, limit=limit, before=before, only_counted=counted, with_late=late
        )
        with engine.connect() as connection:
            unread, unreadable = n_newest_unread(connection), n_unreadable(connection)
        return LoggedCardsOut(
            predictions=_logged_cards(cards, track_names(engine), slots.peek()),
            next_before=cards[-1].id if len(cards) == limit else None,
            n_unread=unread,
            n_unreadable=unreadable,
        )

    return await reads.run(page)


@router.get("/score", summary="How good they were", responses=problems(422, 503))
async def get_scores(reads: LogReads, filter: Filter, by: By = "week", with_late: Late = False) -> ScoresOut:
    """Judge the predictions whose outcomes are known: race log loss beside the market's, and calibration.

    A race counts once, by the last card that was answered for it (by version: by the last of each), and only
    if that came before race day was over. A race is judged if it has one winner and if every starter was on
    the card.
    """

    def scores(engine: Engine) -> ScoresOut:
        names = track_names(engine) if by == "track" else {}
        return scores_out(score_predictions(engine, filter, by=by, with_late=with_late), names)

    return await reads.run(scores)


@router.get("/by-minutes", summary="How good they were beside early prices", responses=problems(422, 503))
async def get_by_minutes(
    reads: LogReads, filter: Filter, limit: Newest = MAX_RACES, with_late: Late = False
) -> ByMinutesOut:
    """Judge model, market and both together by minutes to the off, on races with stored prices.

    A race counts once, as in `GET /predictions/score`, and at a minute only if each of its starters had a
    price then. The market is halfway between back and lay, else the last price, shared out over the starters.
    """

    def scores(engine: Engine) -> ByMinutesOut:
        return by_minutes_out(score_by_minutes(engine, filter, with_late=with_late, max_races=limit))

    return await reads.run(scores)


def _logged_cards(
    cards: Sequence[LoggedCard], names: Mapping[str, str], champion: Snapshot | None
) -> list[LoggedCardOut]:
    def has_learnt(card: LoggedCard) -> bool | None:
        is_by_champion = champion is not None and champion.model.digest == card.digest
        return champion.learning.has_learnt(card.date) if champion and is_by_champion else None

    return [
        LoggedCardOut.model_validate(card).model_copy(
            update={
                "at": utc(card.at),
                "track_name": names.get(card.track, card.track),
                "has_learnt": has_learnt(card),
            }
        )
        for card in cards
    ]
