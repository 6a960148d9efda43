"""The client for ordinary code; threads may share one."""

import time
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Concatenate, ParamSpec, Self, TypeVar, Unpack

import httpx

from client import calls
from client.batch import CardAnswer, answer_of_line, broken_off
from client.calling import CONNECT_TIMEOUT_S, PATIENCE, READ_TIMEOUT_S, Call, Caller, Patience, timeout_of
from client.errors import problem_of
from client.methods import named_after
from client.models import LoggedCardOut

P = ParamSpec("P")
Answer = TypeVar("Answer")


def _asks(describe: Callable[P, Call[Answer]]) -> Callable[Concatenate["GreyhoundClient", P], Answer]:
    """Return the method that makes a call and returns its answer."""

    def method(client: "GreyhoundClient", /, *args: P.args, **kwargs: P.kwargs) -> Answer:
        return client.ask(describe(*args, **kwargs))

    return named_after(describe, method)


class GreyhoundClient(Caller):
    """Asks the service; every method raises :class:`~client.errors.GreyhoundError` if it says no.

    Parameters
    ----------
    url
        Where the service is, with the path under which a proxy shows it, if any.
    api_key
        For what takes a key; made by ``greyhound keys add``.
    request_id
        Id that every request bears; by default each has one of its own.
    patience
        How often a call is tried again, and after how long.
    connect_timeout_s, read_timeout_s
        Seconds to wait for a connection, and for an answer (of a stream: for each part of it).
    http
        A client of httpx to send by, with its own time-outs, proxies and certificates; closing it is yours.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        request_id: str | None = None,
        patience: Patience = PATIENCE,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        http: httpx.Client | None = None,
    ) -> None:
        super().__init__(url, api_key, request_id, patience, owns=http is None)
        self._http = http or httpx.Client(timeout=timeout_of(connect_timeout_s, read_timeout_s))

    predict = _asks(calls.predict)
    race_days = _asks(calls.race_days)
    races = _asks(calls.races)
    race = _asks(calls.race)
    card = _asks(calls.card)
    predictions = _asks(calls.predictions)
    scores = _asks(calls.scores)
    send_results = _asks(calls.send_results)
    model_status = _asks(calls.model_status)
    models = _asks(calls.models)
    model = _asks(calls.model)
    evidence = _asks(calls.evidence)
    report = _asks(calls.report)
    promotions = _asks(calls.promotions)
    promote = _asks(calls.promote)
    rollback = _asks(calls.rollback)
    live = _asks(calls.live)
    ready = _asks(calls.ready)
    metrics = _asks(calls.metrics)

    def predict_batch(
        self, cards: Iterable[calls.Card] | str, **told: Unpack[calls.Told]
    ) -> Iterator[CardAnswer]:
        """Yield the answer of each card, in order, as it comes; a form guide's CSV, as text, is one card.

        A card that is refused stops no other: its :class:`~client.errors.Problem` is yielded, not raised. The
        request is sent as the first answer is asked for.
        """
        response = self._sent(calls.predict_batch(cards, **told), stream=True)
        n_answers = 0
        try:
            if not response.is_success:
                response.read()
                raise problem_of(response)
            for line in response.iter_lines():
                yield answer_of_line(line)
                n_answers += 1
        except httpx.TransportError as error:
            raise broken_off(self.url, n_answers, error) from error
        finally:
            response.close()

    def every_prediction(self, **asked: Unpack[calls.Asked]) -> Iterator[LoggedCardOut]:
        """Yield every logged prediction that is meant, the newest first, page by page."""
        before: int | None = None
        while True:
            page = self.predictions(limit=200, before=before, **asked)
            yield from page.predictions
            before = page.next_before
            if before is None:
                return

    def ask(self, call: Call[Answer]) -> Answer:
        """Return the answer of a call, typed."""
        return call.read(self.raw(call))

    def raw(self, call: Call[Any] | str) -> httpx.Response:
        """Return the answer of a call, or of a GET of an address, as it came: problems are not raised.

        ``client.raw(calls.predict(card)).content`` is the JSON, ``client.raw("/model_status")`` a short way.
        """
        return self._sent(Call("GET", call, str) if isinstance(call, str) else call)

    def close(self) -> None:
        """Close the connections."""
        if self._owns_connections:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _sent(self, call: Call[Any], *, stream: bool = False) -> httpx.Response:
        request, n_tried = self.request_of(call), 0
        while True:
            outcome = self._try(request, stream)
            n_tried += 1
            wait_s = self.patience.wait_s(n_tried, call, outcome)
            if wait_s is None:
                return self.settled(outcome)
            if isinstance(outcome, httpx.Response):
                outcome.close()
            time.sleep(wait_s)

    def _try(self, request: httpx.Request, stream: bool) -> httpx.Response | httpx.TransportError:
        try:
            return self._http.send(request, stream=stream)
        except httpx.TransportError as error:
            return error
