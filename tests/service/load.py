"""Clients that keep a service busy and note every answer, and webhooks as MLflow sends them."""

import http.client
import json
import threading
import time
import uuid
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import httpx

from service.serving.webhook_verifier import sign
from tests.service.living import SOON_S


class Answer(NamedTuple):
    """One answer: when its request was sent, how long it took, and its content."""

    sent_at: float
    seconds: float
    status: int
    """0 where there was none."""
    version: int | None
    probabilities: tuple[float, ...]
    request_id: str = ""

    @property
    def came_at(self) -> float:
        """When it was there."""
        return self.sent_at + self.seconds


class Load:
    """Keep-alive clients that ask for one card as fast as they can, or once an interval each."""

    def __init__(self, url: str, card: dict[str, Any], *, n_clients: int, interval_s: float = 0.0) -> None:
        self.answers: list[Answer] = []
        self._address = urlsplit(url)
        self._body = json.dumps(card)
        self._interval_s = interval_s
        self._stop = threading.Event()
        self._clients = [threading.Thread(target=self._ask, daemon=True) for _ in range(n_clients)]

    def __enter__(self) -> "Load":
        for client in self._clients:
            client.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        for client in self._clients:
            client.join(SOON_S)
            assert not client.is_alive(), "a client hangs"

    @property
    def answered(self) -> list[Answer]:
        """The requests that had an answer, in the order in which it came."""
        return [answer for answer in list(self.answers) if answer.status]

    def wait_for(self, n: int) -> None:
        """Wait for so many more answers."""
        wanted, deadline = len(self.answered) + n, time.monotonic() + SOON_S
        while len(self.answered) < wanted:
            assert time.monotonic() < deadline, f"{len(self.answered)} answers, not {wanted}"
            time.sleep(0.01)

    def first_of(self, version: int, since: float, seconds: float = SOON_S) -> float:
        """Wait for a version's first answer to a request sent after a moment, and return when it came."""
        n_seen, deadline = max(0, len(self.answers) - 200), time.perf_counter() + seconds
        while time.perf_counter() < deadline:
            n = len(self.answers)
            for answer in self.answers[n_seen:n]:
                if answer.version == version and answer.sent_at > since:
                    return answer.came_at
            n_seen = n
            time.sleep(0.002)
        raise AssertionError(f"version {version} did not answer within {seconds} s")

    def _ask(self) -> None:
        connection = http.client.HTTPConnection(
            self._address.hostname or "", self._address.port, timeout=SOON_S
        )
        while not self._stop.is_set():
            sent_at = time.perf_counter()
            try:
                connection.request("POST", "/predict", self._body, {"Content-Type": "application/json"})
                response = connection.getresponse()
                status, content = response.status, response.read()
            except (OSError, http.client.HTTPException):
                status, content = 0, b""
                connection.close()
            seconds = time.perf_counter() - sent_at
            version, probabilities, request_id = None, (), ""
            if status == 200:
                answer = json.loads(content)
                version, request_id = answer["model_version"], answer["request_id"]
                probabilities = tuple(runner["win_probability"] for runner in answer["runners"])
            self.answers.append(Answer(sent_at, seconds, status, version, probabilities, request_id))
            self._stop.wait(max(0.0, sent_at + self._interval_s - time.perf_counter()))
        connection.close()


def send_webhook(client: httpx.Client, secret: str) -> httpx.Response:
    """Tell a service that an alias moved, as MLflow does."""
    body = json.dumps({"entity": "model_version_alias", "action": "created", "data": {}}).encode()
    delivery, sent_at = str(uuid.uuid4()), str(int(time.time()))
    headers = {
        "Content-Type": "application/json",
        "X-MLflow-Delivery-Id": delivery,
        "X-MLflow-Timestamp": sent_at,
        "X-MLflow-Signature": sign(secret.encode(), delivery, sent_at, body),
    }
    return client.post("/webhooks/mlflow", content=body, headers=headers)
