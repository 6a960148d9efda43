"""How robust a server is: its answers to nonsense, and the requests it loses at SIGTERM under load."""

import asyncio
import copy
import time
from typing import Any

import httpx

from benchmarks.peers.peer import Peer
from benchmarks.peers.running import Running, left_over

N_CLIENTS, LOAD_S, GONE_S = 8, 2.0, 30.0


def status_of(server: Running, body: Any) -> str:
    """Return the status of an answer."""
    try:
        return str(httpx.post(server.url, json=body, timeout=30).status_code)
    except httpx.TransportError as error:
        return type(error).__name__


def nonsense(peer: Peer, server: Running) -> tuple[str, str]:
    """Return the statuses for a text where a number belongs, and for a field or column that nobody knows."""
    text, unknown = copy.deepcopy(server.body), copy.deepcopy(server.body)
    if not peer.takes_features:
        text["distance_m"] = "far"
        unknown["distance_n"] = 515
    elif "dataframe_split" in text:
        text["dataframe_split"]["data"][0][3] = "far"
        unknown["dataframe_split"]["columns"][3] += "_of_nobody"
    elif "inputs" in text:
        text["inputs"][0]["data"][0][3] = "far"
        unknown["inputs"][0]["nobody"] = 515
    else:
        text["rows"][0][3] = "far"
        unknown["nobody"] = 515
    return status_of(server, text), status_of(server, unknown)


def stop_under_load(server: Running) -> tuple[int, int, float, int]:
    """Tell it to stop while clients ask; return answered, lost, seconds until it is gone, processes left.

    Lost is a request that was sent on an open connection and got no answer, or one that is no success. A
    client whose connection is refused sent nothing; it stops.
    """
    stopped_at, *counts = asyncio.run(_load(server))
    while server.process.poll() is None and time.perf_counter() - stopped_at < GONE_S:
        time.sleep(0.01)
    seconds = time.perf_counter() - stopped_at
    return sum(n for n, _ in counts), sum(n for _, n in counts), seconds, len(left_over(server.process.pid))


async def _load(server: Running) -> tuple[float, *tuple[tuple[int, int], ...]]:
    return tuple(await asyncio.gather(_stop(server), *(_client(server) for _ in range(N_CLIENTS))))


async def _stop(server: Running) -> float:
    await asyncio.sleep(LOAD_S)
    server.process.terminate()
    return time.perf_counter()


async def _client(server: Running) -> tuple[int, int]:
    answered, end = 0, time.perf_counter() + LOAD_S + GONE_S
    async with httpx.AsyncClient(timeout=15) as client:
        while time.perf_counter() < end:
            try:
                status = (await client.post(server.url, json=server.body)).status_code
            except httpx.ConnectError:
                return answered, 0
            except httpx.TransportError:
                return answered, 1
            if status != 200:
                return answered, 1
            answered += 1
    return answered, 0
