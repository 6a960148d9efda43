"""A prediction in short: the top pick, and where model and market differ most."""

import datetime as dt
from typing import Any

import msgspec

_DIGITS = 6


def in_short(answer: bytes, card: bytes, at: dt.datetime) -> dict[str, Any]:
    """Return what the list of a day shows of an answer, as JSON has it."""
    out = msgspec.json.decode(answer)
    starters = [runner for runner in out["runners"] if runner["status"] == "starter"]
    pick = min(starters, key=lambda runner: runner["rank"])
    prices = {runner["name"]: runner["price"] for runner in msgspec.json.decode(card)["runners"]}
    return {
        "version": out["model_version"],
        "at": at,
        "top_pick": {name: pick[name] for name in ("name", "box", "win_probability", "fair_price")},
        "disagrees": _disagrees(starters, prices),
        "problem": None,
    }


def without_prediction(version: int | None, problem: str) -> dict[str, Any]:
    """Return what the list shows where there is no answer."""
    return {
        "version": version,
        "at": dt.datetime.now(dt.UTC),
        "top_pick": None,
        "disagrees": None,
        "problem": problem,
    }


def _disagrees(starters: list[dict[str, Any]], prices: dict[str, float | None]) -> dict[str, Any] | None:
    if any(runner["market_probability"] is None for runner in starters):
        return None
    most = max(starters, key=lambda one: abs(one["win_probability"] - one["market_probability"]))
    price = prices[most["name"]]
    if price is None:
        return None
    return {
        "name": most["name"],
        "box": most["box"],
        "win_probability": most["win_probability"],
        "price": price,
        "market_probability": most["market_probability"],
        "edge": round(most["win_probability"] * price - 1, _DIGITS),
    }
