"""``POST /results``: how races came out."""

from fastapi import APIRouter

from racing.domain.errors import FileRefused
from racing.importers.report import FileStatus, ImportReport
from racing.importers.results_api import RaceResult, import_race_results
from service.errors import NoAnswerInTime, OutcomeUnknown
from service.faults import validated
from service.openapi import json_content, problems
from service.results import EXAMPLE_RESULTS, RaceTakenOut, ResultsIn, ResultsOut
from service.running import JsonBody, Running, Service
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
async def post_results(service: Service, body: JsonBody) -> ResultsOut:
    """Tell how races came out, every starter of each; logged predictions meet them, and ratings learn.

    They go the same way as a results file. A race sent again (same date, track, distance and number) is then
    as it was sent last; all of a request is stored or nothing. A 503 of the type
    `outcome-unknown` says that the database did not answer in time: they may be stored yet, and it is safe to
    send them again. Takes a key with the scope `results`.
    """
    races = [race.told() for race in validated(ResultsIn, body).races]
    try:
        return await service.threads.results.call(lambda: _bring(service, races))
    except NoAnswerInTime as error:
        if not error.is_begun:
            raise
        raise OutcomeUnknown(
            f"{error}: the results may yet be stored; it is safe to send them again"
        ) from None


def _bring(service: Running, races: list[RaceResult]) -> ResultsOut:
    names = [race.name for race in races]
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise FileRefused(f"a race stands once in a request, got twice {twice[0].removeprefix('told: ')}")
    with service.store.engine() as engine:
        report = import_race_results(engine, races)
    if report.n_files(FileStatus.REFUSED) == len(report.files):
        raise FileRefused("; ".join(problem.reason for problem in report.problems))
    if report.first_day is not None:
        service.ratings.follow()
    return ResultsOut(races=_taken(report), ratings="current" if report.first_day is None else "follow")


def _taken(report: ImportReport) -> list[RaceTakenOut]:
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
