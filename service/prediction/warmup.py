"""Warm-up: what the first request would have to set up is set up before the service is ready."""

import json
import logging

from racing.features.cards.card_view import USUAL_FIELDS, record_usual_fields
from racing.race_shares import recorded_shares
from service.observability.stages import StageTimer
from service.prediction.answer import answer_json, prediction_out
from service.prediction.card_reader import read_card
from service.prediction.predictor import Predictor
from service.schemas.card import EXAMPLE_CARD
from service.serving.slots import ModelSlots

log = logging.getLogger("greyhound.service")
_N_TIMES = 20  # after a dozen calls the interpreter has fitted its code to what it meets; 20 ms in all


async def warm_up(slots: ModelSlots, predictor: Predictor) -> None:
    """Answer the documents' example card a few times; neither metrics nor the prediction log see it."""
    champion = slots.peek()
    if champion is None:
        return
    example = json.dumps(EXAMPLE_CARD).encode()
    record_usual_fields(with_runs=False)
    for n_runners in USUAL_FIELDS:
        recorded_shares(n_runners)
    try:
        for _ in range(_N_TIMES):
            prediction = await predictor.predict(champion, read_card(example), StageTimer())
            answer_json(prediction_out(prediction, champion, request_id="warm-up"))
    except Exception:  # a cold start is better than none
        log.exception("warming up failed")
