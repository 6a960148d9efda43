"""``GET /automation`` and ``POST /automation``: what the service does by itself, and the switch."""

from fastapi import APIRouter

from racing.experiments.switch import AutomationSwitch
from racing.experiments.switch import turn_automation as turn
from service.dependencies import Automation, JsonBody, State
from service.errors import NoAnswerInTime, OutcomeUnknown
from service.openapi.responses import json_content, problems
from service.routes.promotions import Promoter
from service.schemas.automation import AutomationIn, AutomationOut, SwitchOut
from service.schemas.validation import validated
from service.security.api_key_auth import KEY_PROBLEMS

router = APIRouter(tags=["automation"])


@router.get("/automation", summary="What the service does by itself")
async def get_automation(automation: Automation) -> AutomationOut:
    """Return whether the champion may be changed without a person, and how each task does.

    What was decided is on record: `GET /decisions`.
    """
    return AutomationOut.model_validate(automation.state)


@router.post(
    "/automation",
    summary="Turn all automation on or off",
    responses=problems(400, 413, 415, 422, *KEY_PROBLEMS),
    openapi_extra=json_content(AutomationIn, {"on": False, "reason": "races are abandoned today"}),
)
async def turn_automation(state: State, by: Promoter, body: JsonBody) -> SwitchOut:
    """Turn the switch that all replicas follow: off, no champion changes without a person.

    The switch is read before every decision and again before it is carried out, so it holds at once, also for
    what was decided a second ago. Experiments, verdicts, the monitor and notifications go on. Takes a key
    with the scope `promote`.
    """
    wanted = validated(AutomationIn, body)

    def blocking() -> AutomationSwitch:
        with state.write_database.engine() as engine, engine.begin() as connection:
            return turn(connection, on=wanted.on, by=by.name, reason=wanted.reason)

    try:
        return SwitchOut.model_validate(await state.threads.results.call(blocking))
    except NoAnswerInTime as error:
        if not error.is_begun:
            raise
        todo = "the switch may yet be turned; look at GET /automation first"
        raise OutcomeUnknown(f"{error}: {todo}") from None
