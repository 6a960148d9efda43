"""From the body of a request to the body of its answer: each card goes this way, alone or in a batch."""

import time
from functools import partial

from racing.domain.cards import Card
from racing.domain.errors import RacingError
from racing.domain.track_time import today_at
from service.errors import NoAnswerInTime, Overloaded
from service.monitoring.input_counter import InputCounter
from service.observability.metrics import Metrics
from service.observability.stages import StageTimer
from service.prediction.answer import answer_json, prediction_out
from service.prediction.bets import RequestedBets, add_bets
from service.prediction.card_prediction import CardPrediction, predict_card
from service.prediction.card_reader import read_card
from service.prediction.contest import Contest, Contestants
from service.prediction.form_store import CardForm, FormStore
from service.prediction.latest_answers import AnswerRecorder
from service.prediction_log.log import PredictionLog
from service.prediction_log.log_queue import AwaitedShadows
from service.serving.slots import Snapshot
from service.shadow.scorer import ShadowScorer
from service.shadow.scoring import AnsweredCard
from service.shadow.watched_call import WatchedCall
from service.thread_pools import ThreadPools


class Predictor:
    """Answers cards; each answer and its inputs are counted and put into the prediction log."""

    def __init__(
        self,
        form: FormStore,
        threads: ThreadPools,
        metrics: Metrics,
        log: PredictionLog,
        contest: Contest,
        shadow: ShadowScorer,
        inputs: InputCounter,
    ) -> None:
        self._form = form
        self._threads = threads
        self._metrics = metrics
        self._log = log
        self.latest = AnswerRecorder()
        self._contest = contest
        self._shadow = shadow
        self._inputs = inputs

    async def answer(
        self,
        champion: Snapshot,
        body: bytes,
        timer: StageTimer,
        *,
        request_id: str,
        is_explained: bool = False,
        bets: RequestedBets | None = None,
        may_split: bool = False,
        is_noted: bool = True,
    ) -> tuple[bytes, int]:
        """Return the answer to a card, both as JSON, and the version that answered.

        That is the champion; or, where ``may_split``, the challenger that the card's race has in a split.
        Where not ``is_noted`` it is neither counted nor logged, nor scored by others. The log has the answer
        without its ``bets``, which follow from it.

        Raises
        ------
        pydantic.ValidationError, racing.domain.errors.CardRefused
            If the body is no card, or the card breaks a rule.
        racing.domain.errors.DatabaseUnavailable
            If no runner carries form and the database is away.
        """
        card = read_card(body)
        timer.mark("parse")
        contestants = self._contest.of(card, champion, may_split=may_split)
        try:
            stored = await self._stored_form(card, timer)
            prediction, contestants = await self._contested(
                contestants, champion, card, stored, timer, is_explained=is_explained
            )
            out = prediction_out(
                prediction, contestants.answering, request_id=request_id, part=contestants.part
            )
            answer = answer_json(out)
            shown = answer
            if bets is not None:
                shown = answer_json(add_bets(out, prediction, contestants.answering, bets))
        except Exception as error:
            self.latest.failed(champion, error)
            raise
        timer.mark("write")
        if not is_noted:
            return shown, contestants.answering.version
        self._note(contestants, prediction, request_id, body, answer, has_tables=stored is not None)
        self.latest.answered(
            (contestants.answering.loaded_at, timer.seconds_of("model"), prediction.win_probability)
        )
        timer.mark("log")
        return shown, contestants.answering.version

    async def predict(
        self, champion: Snapshot, card: Card, timer: StageTimer, *, is_explained: bool = False
    ) -> CardPrediction:
        """Return the probabilities of a card by one version; nothing is counted or logged.

        Reads of the database run in a thread, and so do explanations, which take milliseconds; all else runs
        on the event loop, in less time than handing it to a thread and back takes.
        """
        stored = await self._stored_form(card, timer)
        return await self._predict(champion, card, stored, timer, is_explained=is_explained)

    async def _contested(
        self,
        contestants: Contestants,
        champion: Snapshot,
        card: Card,
        stored: CardForm | None,
        timer: StageTimer,
        *,
        is_explained: bool,
    ) -> tuple[CardPrediction, Contestants]:
        """Return the probabilities by the version that is to answer, else by the champion; and who did."""
        with_runs = contestants.read_runs
        if contestants.answering is not champion:
            challenger = contestants.answering
            prediction = await self._by_challenger(
                challenger, card, stored, timer, is_explained=is_explained, with_runs=with_runs
            )
            if prediction is not None:
                return prediction, contestants
            contestants = contestants.without_challenger(champion)
        prediction = await self._predict(
            champion, card, stored, timer, is_explained=is_explained, with_runs=with_runs
        )
        return prediction, contestants

    def _note(
        self,
        contestants: Contestants,
        prediction: CardPrediction,
        request_id: str,
        card: bytes,
        answer: bytes,
        *,
        has_tables: bool,
    ) -> None:
        """Count an answer and its inputs, log it, and let the other contestants score its card."""
        answering = contestants.answering
        self._metrics.count_prediction(answering.version, prediction.win_probability.tolist())
        awaited = self._put_in_shadow(contestants, prediction, has_tables=has_tables)
        self._log.put(
            request_id=request_id,
            snapshot=answering,
            card=card,
            answer=answer,
            experiment_id=contestants.part and contestants.part.id,
            awaited=awaited,
        )
        self._inputs.put(answering, prediction)

    async def _predict(
        self,
        snapshot: Snapshot,
        card: Card,
        stored: CardForm | None,
        timer: StageTimer,
        *,
        is_explained: bool,
        with_runs: bool = False,
    ) -> CardPrediction:
        predict = partial(
            predict_card,
            snapshot,
            self._form,
            card,
            stored,
            timer,
            today=today_at(card.track),
            is_explained=is_explained,
            with_runs=with_runs,
        )
        return await self._threads.explanations.call(predict) if is_explained else predict()

    async def _by_challenger(
        self,
        challenger: Snapshot,
        card: Card,
        stored: CardForm | None,
        timer: StageTimer,
        *,
        is_explained: bool,
        with_runs: bool,
    ) -> CardPrediction | None:
        """Return a challenger's probabilities, made in a thread with a time-out; None if it fails."""
        own = StageTimer()  # one that hangs goes on marking when the champion does
        predict = partial(
            predict_card,
            challenger,
            self._form,
            card,
            stored,
            own,
            today=today_at(card.track),
            is_explained=is_explained,
            with_runs=with_runs,
        )
        call = WatchedCall(predict)
        try:
            prediction = await self._threads.challenger_answers.call(call)
        except (RacingError, Overloaded):
            return None  # the card's own fault, which the champion finds too; or no thread is free
        except NoAnswerInTime as error:
            if error.is_begun:
                self._shadow.watch(challenger.version, call, str(error))
            return None
        except Exception as error:  # a challenger may be wrong in any way: the champion answers
            why = " ".join(str(error).split())[:200] or type(error).__name__
            self._shadow.breakers.failed(challenger.version, why)
            return None
        timer.marks += [("", own.started), *own.marks]
        return prediction

    def _put_in_shadow(
        self, contestants: Contestants, prediction: CardPrediction, *, has_tables: bool
    ) -> AwaitedShadows | None:
        """Let the other contestants score a card; return where the log finds what they say of it."""
        others = contestants.others
        if not others:
            return None
        awaited = AwaitedShadows() if self._log.is_on else None
        card = AnsweredCard(
            prediction.features,
            prediction.starting,
            prediction.statuses,
            has_tables,
            others,
            awaited,
            time.monotonic(),
        )
        return awaited if self._shadow.put(card) else None

    async def _stored_form(self, card: Card, timer: StageTimer) -> CardForm | None:
        """Return the stored form of a card's dogs; None if the database is away or does not answer in time.

        Waiting for a thread and for the database is no stage of ours.

        Raises
        ------
        service.errors.Overloaded
            If too many wait for a thread: the database may be well, so it does not count as away.
        """
        if self._form.is_in_memory(card):
            return self._form.read(card)
        try:
            stored = await self._threads.card_form.call(lambda: self._form.read(card))
        except NoAnswerInTime as error:
            if error.is_begun:
                self._form.mark_away(error)
            return None
        if stored is not None and stored.stored.runs:
            timer.skip()
        return stored
