"""From the body of a request to the body of its answer: what a card goes through, alone or in a batch."""

from service.answers import answer_json, prediction_out
from service.observability.stages import StageTimer
from service.running import Running
from service.serving.slots import Snapshot
from service.wire import read_card


async def answer_to(
    service: Running,
    champion: Snapshot,
    body: bytes,
    clock: StageTimer,
    *,
    request_id: str,
    is_explained: bool = False,
) -> bytes:
    """Return the answer to a card, by one version; it is counted, and kept in the prediction log.

    Raises
    ------
    pydantic.ValidationError, racing.domain.errors.CardRefused
        If the body is no card, or the card breaks a rule.
    racing.domain.errors.DatabaseUnavailable
        If no runner carries form and the database is away.
    """
    card = read_card(body)
    clock.mark("parse")
    prediction = await service.predict(champion, card, clock, is_explained=is_explained)
    answer = answer_json(prediction_out(prediction, champion, request_id=request_id))
    clock.mark("write")
    service.metrics.count_prediction(champion.version, prediction.win_probability.tolist())
    service.kept.put(request_id=request_id, snapshot=champion, card=body, answer=answer)
    clock.mark("log")
    return answer
