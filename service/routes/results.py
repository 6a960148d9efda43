"""``POST /results``: how races came out."""

from fastapi import APIRouter

from racing.domain.errors import FileRefused
from racing.importers.report import FileStatus, ImportReport
from racing.importers.results_api import RaceResult, import_race_results
from service.dependencies import Events, JsonBody, Ratings, Threads, WriteDatabase
from service.errors import NoAnswerInTime, OutcomeUnknown
from service.openapi.responses import json_content, problems
from service.prediction_log.ratings import RatingsFollower
from service.race_database import RaceDatabase
from service.schemas.results import EXAMPLE_RESULTS, RaceTakenOut, ResultsIn, ResultsOut
from service.schemas.validation import validated
from service.security.api_key_auth import KEY_PROBLEMS, require_scope

router = APIRouter(tags=["prediction log"])


@router.post(
    "/results",
    status_code=202,
    summary="Bring the results of races",
    response_description="The results are stored; the ratings follow.",
    responses=problems(400, 413, 415, 422, 503, *KEY_PROBLEMS),
    dependencies=[require_scope("results")],
    openapi_extra=json_content(ResultsIn, EXAMPLE_RESULTS),
)
async def post_results(
    body: JsonBody, database: WriteDatabase, threads: Threads, ratings: Ratings, events: Events
) -> ResultsOut:
    """Send how races came out, every starter of each; logged predictions get outcomes, and ratings learn.

    They go the same way as a results file. A race sent again (same date, track, distance and number) is then
    as it was sent last; all of a request is stored or nothing. A 503 of the type
    `outcome-unknown` says that the database did not answer in time: they may be stored yet, and it is safe to
    send them again. Takes a key with the scope `results`.
    """
    races = [race.as_result() for race in validated(ResultsIn, body).races]
    _check_distinct(races)
    try:
        report = await threads.results.call(lambda: _imported(races, database, ratings))
    except NoAnswerInTime as error:
        if not error.is_begun:
            raise
        raise OutcomeUnknown(
            f"{error}: the results may yet be stored; it is safe to send them again"
        ) from None
    events.wake()
    return ResultsOut(races=_races_of(report), ratings="follow" if _changes_runs(report) else "current")


def _check_distinct(races: list[RaceResult]) -> None:
    names = [race.name for race in races]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileRefused(f"a race stands once in a request, got twice {twice[0].removeprefix('told: ')}")


def _imported(races: list[RaceResult], database: RaceDatabase, ratings: RatingsFollower) -> ImportReport:
    """Import the results and start the ratings; also when nobody waits for it any more."""
    with database.engine() as engine:
        report = import_race_results(engine, races)
    if report.n_files(FileStatus.REFUSED) == len(report.files):
        raise FileRefused("; ".join(problem.reason for problem in report.problems))
    if _changes_runs(report):
        ratings.follow()
    return report


def _changes_runs(report: ImportReport) -> bool:
    return report.first_day is not None


def _races_of(report: ImportReport) -> list[RaceTakenOut]:
    return [
        RaceTakenOut(
            status=file.status.value,
            n_added=file.n_added,
            n_updated=file.n_updated,
            n_known=file.n_known,
            problems=[problem.reason for problem in report.problems if problem.file == file.file],
        )
        for file in report.files
    ]
