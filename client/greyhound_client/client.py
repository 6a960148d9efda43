"""The blocking client; threads may share one."""

import time
from collections.abc import Iterable, Iterator
from typing import Any, Self, TypeVar, Unpack

import httpx

from greyhound_client import endpoints
from greyhound_client.errors import Problem, problem_of, stream_interrupted
from greyhound_client.events import Event, EventReader
from greyhound_client.models import LoggedCardOut
from greyhound_client.transport import (
    CONNECT_TIMEOUT_S,
    DEFAULT_RETRY_POLICY,
    READ_TIMEOUT_S,
    BaseClient,
    Call,
    RetryPolicy,
    timeout_of,
)

Answer = TypeVar("Answer")


class GreyhoundClient(endpoints.EndpointMethods, BaseClient):
    """A client of the service; a method that fails raises :class:`~greyhound_client.errors.GreyhoundError`.

    Parameters
    ----------
    url
        Where the service is, with the path under which a proxy shows it, if any.
    api_key
        For what takes a key; made by ``greyhound keys add``.
    request_id
        Id that every request bears; by default each has one of its own.
    retry_policy
        How often a call is tried again, and after how long.
    connect_timeout_s, read_timeout_s
        Seconds to wait for a connection, and for an answer (of a stream: for each part of it).
    http
        An ``httpx.Client`` to send by, with its own time-outs, proxies and certificates; closing it is yours.
    patience
        Deprecated name of ``retry_policy``.
    """

    def __init__(
        self,
        url: str = "http://127.0.0.1:8000",
        *,
        api_key: str | None = None,
        request_id: str | None = None,
        retry_policy: RetryPolicy = DEFAULT_RETRY_POLICY,
        connect_timeout_s: float = CONNECT_TIMEOUT_S,
        read_timeout_s: float = READ_TIMEOUT_S,
        http: httpx.Client | None = None,
        patience: RetryPolicy | None = None,
    ) -> None:
        super().__init__(url, api_key, request_id, retry_policy, patience, owns_connections=http is None)
        self._http = http or httpx.Client(timeout=timeout_of(connect_timeout_s, read_timeout_s))

    def predict_batch(
        self,
        cards: Iterable[endpoints.Card] | str,
        *,
        bets: Iterable[endpoints.Bet] = (),
        top: int | None = None,
        **guide: Unpack[endpoints.GuideDetails],
    ) -> Iterator[endpoints.CardAnswer]:
        """Yield the answer of each card, in order, as it comes; a form guide's CSV, as text, is one card.

        With ``bets`` each answer also has the ``top`` combinations of each, as that of ``predict``.

        A card that is refused stops no other: its :class:`~greyhound_client.errors.Problem` is yielded, not
        raised. The request is sent when the first answer is read.
        """
        response = self._send(endpoints.predict_batch(cards, bets=bets, top=top, **guide), stream=True)
        n_answers = 0
        try:
            if not response.is_success:
                response.read()
                raise problem_of(response)
            for line in response.iter_lines():
                yield endpoints.card_answer(line)
                n_answers += 1
        except httpx.TransportError as error:
            raise stream_interrupted(self.url, n_answers, error) from error
        finally:
            response.close()

    def events(
        self,
        *,
        kinds: Iterable[str] | None = None,
        after: int | None = None,
        give_up_s: float | None = None,
    ) -> Iterator[Event]:
        """Yield what happens on race day, for ever; where the stream breaks, it goes on without a loss.

        Only some ``kinds``, where they are given; ``after`` is the id of the last event that you have. With
        ``give_up_s`` it raises once there was no connection for so long.
        """
        reader = EventReader(self.url, kinds, after, give_up_s)
        while True:
            failure: httpx.TransportError | Problem | None = None
            try:
                response = self._http.send(self._request_of(reader.call()), stream=True)
                try:
                    if not response.is_success:
                        response.read()
                        failure = problem_of(response)
                    for line in response.iter_lines() if failure is None else ():
                        if event := reader.read(line):
                            yield event
                finally:
                    response.close()
            except httpx.TransportError as error:
                failure = error
            time.sleep(reader.wait_s(failure))

    def every_prediction(self, **filters: Unpack[endpoints.PredictionFilter]) -> Iterator[LoggedCardOut]:
        """Yield every logged prediction that the filters match, the newest first, page by page."""
        before: int | None = None
        while True:
            page = self.predictions(limit=200, before=before, **filters)
            yield from page.predictions
            before = page.next_before
            if before is None:
                return

    def ask(self, call: Call[Answer]) -> Answer:
        """Return the answer of a call, typed."""
        return call.read(self.raw(call))

    def raw(self, call: Call[Any] | str) -> httpx.Response:
        """Return the response to a call, or to a GET of a path, as it is: problems are not raised.

        ``client.raw(endpoints.predict(card)).content`` is the JSON; a path may be given too.
        """
        return self._send(Call("GET", call, str) if isinstance(call, str) else call)

    def close(self) -> None:
        """Close the connections."""
        if self._owns_connections:
            self._http.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, call: Call[Any], *, stream: bool = False) -> httpx.Response:
        request, n_tried = self._request_of(call), 0
        while True:
            outcome: httpx.Response | httpx.TransportError
            try:
                outcome = self._http.send(request, stream=stream)
            except httpx.TransportError as error:
                outcome = error
            n_tried += 1
            wait_s = self.retry_policy.wait_s(n_tried, call, outcome)
            if wait_s is None:
                return self._response_or_raise(outcome)
            if isinstance(outcome, httpx.Response):
                outcome.close()
            time.sleep(wait_s)
