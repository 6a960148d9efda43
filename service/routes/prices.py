"""``POST /prices``: what the market offers for races to come."""

from fastapi import APIRouter

from racing.race_day.report_prices import PriceReport, PricesTaken, report_prices
from service.dependencies import Events, JsonBody, Threads, WriteDatabase
from service.errors import NoAnswerInTime, OutcomeUnknown
from service.openapi.responses import json_content, problems
from service.race_database import RaceDatabase
from service.schemas.prices import EXAMPLE_PRICES, PricesIn, PricesOut, prices_out
from service.schemas.validation import validated
from service.security.api_key_auth import KEY_PROBLEMS, require_scope

router = APIRouter(tags=["race day"])


@router.post(
    "/prices",
    summary="Bring prices of races to come",
    response_description="The prices are stored.",
    responses=problems(400, 413, 415, 422, 503, *KEY_PROBLEMS),
    dependencies=[require_scope("results")],
    openapi_extra=json_content(PricesIn, EXAMPLE_PRICES),
)
async def post_prices(body: JsonBody, database: WriteDatabase, threads: Threads, events: Events) -> PricesOut:
    """Send what the market offers; predictions of these races use it, and followers of `/events` see it.

    All of a request is stored or nothing, and it is safe to send it again: of a runner's prices in the same
    minute the newest counts. Takes a key with the scope `results`.
    """
    reports = [report.as_report() for report in validated(PricesIn, body).prices]
    try:
        taken = await threads.prices.call(lambda: _stored(reports, database))
    except NoAnswerInTime as error:
        if not error.is_begun:
            raise
        raise OutcomeUnknown(
            f"{error}: the prices may yet be stored; it is safe to send them again"
        ) from None
    events.wake()
    return prices_out(taken)


def _stored(reports: list[PriceReport], database: RaceDatabase) -> PricesTaken:
    with database.engine() as engine:
        return report_prices(engine, reports)
