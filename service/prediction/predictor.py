"""From the body of a request to the body of its answer: each card goes this way, alone or in a batch."""

from functools import partial

from racing.domain.cards import Card
from racing.domain.track_time import today_at
from service.errors import NoAnswerInTime
from service.monitoring.input_counter import InputCounter
from service.observability.metrics import Metrics
from service.observability.stages import StageTimer
from service.prediction.answer import answer_json, prediction_out
from service.prediction.card_prediction import CardPrediction, predict_card
from service.prediction.card_reader import read_card
from service.prediction.form_store import CardForm, FormStore
from service.prediction_log.log import PredictionLog
from service.serving.slots import Snapshot
from service.thread_pools import ThreadPools


class Predictor:
    """Answers cards; each answer and its inputs are counted and put into the prediction log."""

    def __init__(
        self,
        form: FormStore,
        threads: ThreadPools,
        metrics: Metrics,
        log: PredictionLog,
        inputs: InputCounter,
    ) -> None:
        self._form = form
        self._threads = threads
        self._metrics = metrics
        self._log = log
        self._inputs = inputs

    async def answer(
        self,
        champion: Snapshot,
        body: bytes,
        timer: StageTimer,
        *,
        request_id: str,
        is_explained: bool = False,
    ) -> bytes:
        """Return the answer of one version to a card, both as JSON.

        Raises
        ------
        pydantic.ValidationError, racing.domain.errors.CardRefused
            If the body is no card, or the card breaks a rule.
        racing.domain.errors.DatabaseUnavailable
            If no runner carries form and the database is away.
        """
        card = read_card(body)
        timer.mark("parse")
        prediction = await self.predict(champion, card, timer, is_explained=is_explained)
        answer = answer_json(prediction_out(prediction, champion, request_id=request_id))
        timer.mark("write")
        self._metrics.count_prediction(champion.version, prediction.win_probability.tolist())
        self._log.put(request_id=request_id, snapshot=champion, card=body, answer=answer)
        self._inputs.put(champion, prediction)
        timer.mark("log")
        return answer

    async def predict(
        self, champion: Snapshot, card: Card, timer: StageTimer, *, is_explained: bool = False
    ) -> CardPrediction:
        """Return the probabilities of a card by one version; nothing is counted or logged.

        Reads of the database run in a thread, and so do explanations, which take milliseconds; all else runs
        on the event loop, in less time than handing it to a thread and back takes.
        """
        stored = await self._stored_form(card)
        if stored is not None and stored.stored.runs:
            timer.skip()  # waiting for a thread and for the database is no stage of ours
        predict = partial(
            predict_card,
            champion,
            self._form,
            card,
            stored,
            timer,
            today=today_at(card.track),
            is_explained=is_explained,
        )
        return await self._threads.explanations.call(predict) if is_explained else predict()

    async def _stored_form(self, card: Card) -> CardForm | None:
        """Return the stored form of a card's dogs; None if the database is away or does not answer in time.

        Raises
        ------
        service.errors.Overloaded
            If too many wait for a thread: the database may be well, so it does not count as away.
        """
        if self._form.is_in_memory(card):
            return self._form.read(card)
        try:
            return await self._threads.card_form.call(lambda: self._form.read(card))
        except NoAnswerInTime as error:
            if error.is_begun:
                self._form.mark_away(error)
            return None
