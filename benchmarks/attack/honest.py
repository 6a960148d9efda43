"""Those for whom the service is there: they may notice the others by a longer wait or a 503."""

import asyncio
import secrets
import time
from itertools import cycle

from benchmarks.attack.stage import Stage
from service.security.api_keys import add_key, revoke_key
from tests.service.builders import open_registry

REST_S = 0.05
N_IN_BATCH = 40
READS = (
    "/predictions/score?by=week", "/predictions?limit=100", "/predictions/score?by=track", "/race-days",
    "/predictions/score?by=version", "/models", "/promotions", "/model_status",
)  # fmt: skip
MONITORED = "/metrics", "/health/ready"


async def cards(stage: Stage) -> None:
    """Ask for a card, again and again, and have each answer acknowledged."""
    peer = stage.peer()
    while stage.is_on:
        answer = await stage.ask("cards", peer, "POST", "/predict", stage.card)
        if answer.status == 200:
            stage.acknowledge(answer.body)
        await stage.rest(stage.pause_s)


async def batches(stage: Stage) -> None:
    """Ask for many cards at once."""
    peer, body = stage.peer(), b"\n".join([stage.card] * N_IN_BATCH)
    while stage.is_on:
        answer = await stage.ask(
            "batches", peer, "POST", "/predict/batch", body, Content_Type="application/x-ndjson"
        )
        if answer.status == 200:
            for line in answer.body.splitlines():
                if b'"request_id"' in line and b'"model_version"' in line:
                    stage.acknowledge(line)
        await stage.rest(10 * REST_S)


async def explanations(stage: Stage) -> None:
    """Ask why."""
    peer = stage.peer()
    while stage.is_on:
        answer = await stage.ask("explanations", peer, "POST", "/predict?explain=true", stage.card)
        if answer.status == 200:
            stage.acknowledge(answer.body)
        await stage.rest(4 * REST_S)


async def readers(stage: Stage) -> None:
    """Read the log, the races and the registry."""
    peer = stage.peer()
    for path in cycle(READS):
        if not stage.is_on:
            return
        await stage.ask("readers", peer, "GET", path)
        await stage.rest(4 * REST_S)


async def scraper(stage: Stage) -> None:
    """Read the metrics and the health every second, as a monitor does."""
    peer = stage.peer()
    while stage.is_on:
        for path in MONITORED:
            await stage.ask(f"GET {path}", peer, "GET", path)
        await stage.rest(1.0)


async def revoker(stage: Stage) -> None:
    """Make a key, wait until it is taken, revoke it, and see how long it is taken still, by any worker."""
    loop = asyncio.get_running_loop()
    while stage.is_on:
        name = f"attack {secrets.token_hex(6)}"
        text = (await loop.run_in_executor(None, add_key, stage.engine, name, ["results"]))[1]
        while stage.is_on and not await _is_taken(stage, text):
            await stage.rest(0.2)
        await loop.run_in_executor(None, revoke_key, stage.engine, name)
        revoked = last_taken = time.monotonic()
        while stage.is_on and time.monotonic() - last_taken < 6.0:
            sent = time.monotonic()
            if await _is_taken(stage, text):
                last_taken = sent
            await stage.rest(0.05)
        if stage.is_on:
            stage.revocations_s.append(last_taken - revoked)


async def _is_taken(stage: Stage, key: str) -> bool:
    """Whether a key opens `POST /results`, by a connection of its own, so at any of the workers."""
    peer = stage.peer()
    answer = await stage.ask("keys", peer, "POST", "/results", b'{"races": 1}', X_API_Key=key)
    peer.close()
    return answer.status == 422  # past the key, and refused for what is in it


async def promoter(stage: Stage) -> None:
    """Give the role of champion to the other version, again and again, as `greyhound models promote` does."""
    loop = asyncio.get_running_loop()
    registry = await loop.run_in_executor(None, open_registry, stage.registry)
    for version in cycle((2, 1)):
        await stage.rest(5.0)
        if not stage.is_on:
            return
        await loop.run_in_executor(
            None, lambda version=version: registry.promote(version, reason="attack", by="attack", forced=True)
        )
        stage.n_swaps += 1
