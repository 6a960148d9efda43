"""The first request is as quick as the next: what it would set up is set up before the service is ready."""

import json
import logging

from racing.domain.runs import WINDOW
from racing.features.cards.card_view import card_formulas
from service.answers import answer_json, prediction_out
from service.observability.stages import StageTimer
from service.running import Running
from service.schemas import EXAMPLE_CARD
from service.wire import read_card

log = logging.getLogger("greyhound.service")
_N_TIMES = 2
USUAL_FIELDS = (6, 7, 8)  # runners; the formulas of other fields are recorded when first asked for, in 30 ms


async def warm_up(running: Running) -> None:
    """Answer the example of the documents to nobody: no route, no log, no metric sees it."""
    champion = running.slots.peek()
    if champion is None:
        return
    example = json.dumps(EXAMPLE_CARD).encode()
    for n_runners in USUAL_FIELDS:
        for n_runs in (1, WINDOW):
            card_formulas(n_runners, n_runs)
    try:
        for _ in range(_N_TIMES):
            prediction = await running.predict(champion, read_card(example), StageTimer())
            answer_json(prediction_out(prediction, champion, request_id="warm-up"))
    except Exception:  # a cold start is better than none
        log.exception("warming up failed")
