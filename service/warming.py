"""The first request is as quick as the next: what it would set up is set up before the service is ready."""

import json
import logging

from service.answers import prediction_out
from service.running import Running
from service.schemas import EXAMPLE_CARD, CardIn

log = logging.getLogger("greyhound.service")
_N_TIMES = 2


async def warm_up(running: Running) -> None:
    """Answer the example of the documents to nobody: no route, no log, no metric sees it."""
    champion = running.slots.find()
    if champion is None:
        return
    try:
        for _ in range(_N_TIMES):
            card = CardIn.model_validate_json(json.dumps(EXAMPLE_CARD)).to_card()
            prediction = await running.predict(champion, card)
            prediction_out(prediction, champion, request_id="warm-up").model_dump_json()
    except Exception:  # a cold start is better than none
        log.exception("warming up failed")
