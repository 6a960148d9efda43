"""What counting the inputs costs an answer: ``python -m benchmarks.inputs``.

One process answers cards of eight runners with counting and without, in turns of some cards, so that both
have the same machine; the counter's threads run beside them. Times are of the thread's own work (CPU), so
that a busy machine does not show.
"""

import argparse
import asyncio
import json
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import numpy as np
from rich.console import Console
from rich.table import Table

from racing.features import FEATURE_NAMES
from service.app import make_state, running
from service.monitoring.input_counter import InputCounter
from service.observability.stages import StageTimer
from service.prediction.card_reader import read_card
from service.settings import ServiceSettings
from service.state import AppState
from tests.service.builders import address, empty_registry, make_card, make_model
from training.export.documents import reference

N_RUNNERS, N_A_TURN = 8, 100


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.inputs", description=__doc__)
    parser.add_argument("--turns", type=int, default=60, help=f"turns of {N_A_TURN} cards each way")
    chosen = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        settings = ServiceSettings(
            registry=make_registry(Path(folder)),
            database=None,
            kept_champion="",
            log_level="error",
            inputs_interval_s=1.0,
        )
        asyncio.run(measure(settings, chosen.turns))


def make_registry(folder: Path) -> str:
    """Return the address of a registry whose champion takes 145 features and has their distributions."""
    features = FEATURE_NAMES[:145]
    rng = np.random.default_rng(1)
    values = rng.normal(size=(5000, len(features))).astype(np.float32)
    document = reference(values, features, rng.uniform(0.01, 0.6, 5000))
    registry = empty_registry(folder)
    make_model(folder / "model", features=features, coefficients=[0.01] * len(features), reference=document)
    registry.register(folder / "model")
    registry.promote(1, reason="a benchmark needs it", by="benchmark")
    return address(folder)


async def measure(settings: ServiceSettings, n_turns: int) -> None:
    """Answer cards in turns and print what the difference is."""
    state = make_state(settings)
    cards = [
        json.dumps(make_card(N_RUNNERS, race_number=1 + number % 12, distance_m=300 + number)).encode()
        for number in range(N_A_TURN)
    ]
    microseconds: dict[bool, list[float]] = {True: [], False: []}
    async with running(state):
        await answer_all(state, cards)
        for turn in range(2 * n_turns):
            is_on = turn % 2 == 0
            state.inputs.is_on = is_on
            start = time.thread_time()
            await answer_all(state, cards)
            microseconds[is_on].append(1e6 * (time.thread_time() - start) / len(cards))
            state.inputs._totals.clear()  # so that the cards of the next turn are new ones
            await asyncio.sleep(0.3)  # what waits is counted outside the turns
        call = await time_of_put(state)
        counting = time_of_counting(state.inputs)
    table = Table("", "microseconds a card", title="Counting the inputs")
    without, with_it = median(microseconds[False]), median(microseconds[True])
    table.add_row("answer without counting (median of turns)", f"{without:.1f}")
    table.add_row("answer with counting", f"{with_it:.1f}")
    table.add_row("difference of the medians", f"{with_it - without:+.1f}")
    pairs = np.array(microseconds[True]) - np.array(microseconds[False])
    error = 1.25 * pairs.std(ddof=1) / np.sqrt(len(pairs))
    table.add_row("median difference of neighbouring turns", f"{median(pairs.tolist()):+.1f} +- {error:.1f}")
    table.add_row("the call alone", f"{call:.2f}")
    table.add_row("in the counter's thread, off the path", f"{counting:.1f}")
    Console().print(table)


async def answer_all(state: AppState, cards: Sequence[bytes]) -> None:
    """Answer some cards, one after the other, as requests do."""
    champion = state.slots.get()
    for number, card in enumerate(cards):
        await state.predictor.answer(champion, card, StageTimer(), request_id=str(number))


async def time_of_put(state: AppState) -> float:
    """Return the microseconds that putting a card into the queue takes."""
    champion, card = state.slots.get(), read_card(json.dumps(make_card(N_RUNNERS)).encode())
    prediction = await state.predictor.predict(champion, card, StageTimer())
    counter, n = InputCounter(state.settings), 1000
    start = time.thread_time()
    for _ in range(n):
        counter.put(champion, prediction)
    took = 1e6 * (time.thread_time() - start) / n
    state.inputs._queue.extend(one._replace(race=(number,)) for number, one in enumerate(counter._queue))
    return took


def time_of_counting(counter: InputCounter) -> float:
    """Return the microseconds a card that counting what waits takes."""
    n = len(counter._queue)
    start = time.thread_time()
    counter.count_waiting()
    return 1e6 * (time.thread_time() - start) / max(n, 1)


if __name__ == "__main__":
    main()
