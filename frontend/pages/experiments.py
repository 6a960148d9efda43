"""Experiments: challengers beside the champion, the verdicts on them, and the way to start and stop one.

Changes take an API key that the person types for each of them, as promotions do.
"""

import math
from collections.abc import Callable
from typing import Any, Literal

from flask import Blueprint, Response, redirect, request, url_for
from flask.typing import ResponseReturnValue

from frontend import api
from frontend.experiment_views import contestant_views
from frontend.keyed_change import Outcome, make_change
from frontend.live import page
from greyhound_client import GreyhoundClient, endpoints
from greyhound_client.models import ExperimentOut, PolicyIn

pages = Blueprint("experiments", __name__, url_prefix="/experiments")
N_LISTED = 20
SHOWN_BY = "the record of experiments"


@pages.get("")
def show() -> Response:
    """Show the experiment that runs, and the record of all."""
    return _show()


@pages.get("/<int:number>")
def one(number: int) -> Response:
    """Show one experiment, running or ended."""
    found = api.client().experiment(number)
    return page("experiments/one.html", one=found, contestants=contestant_views(found), now=api.status())


@pages.post("/start")
def start() -> ResponseReturnValue:
    """Start an experiment with what the form says."""
    form = request.form

    def change(by: GreyhoundClient) -> ExperimentOut:
        mode: Literal["shadow", "split"] = "split" if form.get("mode") == "split" else "shadow"
        return by.start_experiment(
            [_whole(version) for version in form.get("challengers", "").replace(",", " ").split()],
            mode=mode,
            share=_number(form.get("share"), 0.0) / 100 if mode == "split" else 0.0,
            policy=PolicyIn(
                action="promote" if form.get("action") == "promote" else "manual",
                min_races=_whole(form.get("min_races"), 200),
                min_days=_whole(form.get("min_days"), 7),
            ),
            reason=form.get("reason", "").strip(),
        )

    return _changed(change)


@pages.post("/<int:number>/stop")
def stop(number: int) -> ResponseReturnValue:
    """Stop the experiment that runs."""
    reason = request.form.get("reason", "").strip()
    return _changed(lambda by: by.stop_experiment(number, reason=reason))


@pages.post("/<int:number>/share")
def share(number: int) -> ResponseReturnValue:
    """Change which share of the races challengers answer."""

    def change(by: GreyhoundClient) -> ExperimentOut:
        return by.change_share(number, _number(request.form.get("share"), 0.0) / 100)

    return _changed(change, reason="a share")


def _changed(
    change: Callable[[GreyhoundClient], ExperimentOut], *, reason: str | None = None
) -> ResponseReturnValue:
    """Make a change and show the page with it, or with why nothing was changed and what was typed."""
    typed = request.form.get("reason", "").strip() if reason is None else reason
    try:
        outcome = make_change(request.form.get("key", "").strip(), typed, change, shown_by=SHOWN_BY)
    except ValueError as error:  # numbers that are none
        outcome = Outcome(error=f"{error}.", code=422)
    if outcome.made is not None:
        return redirect(url_for("experiments.show"), 303)
    return _show(error=outcome.error, code=outcome.code)


def _show(*, error: str = "", code: int = 200) -> Response:
    record = api.from_database(endpoints.experiments(limit=N_LISTED))
    active = None
    if record.answer and record.answer.active is not None:
        active = api.client().experiment(record.answer.active)
    context: dict[str, Any] = {"error": error, "typed": request.form}
    return page(
        "experiments/experiments.html",
        code=code,
        now=api.status(),
        record=record,
        active=active,
        contestants=contestant_views(active) if active else [],
        **context,
    )


def _number(text: str | None, otherwise: float) -> float:
    """Return the number that was typed.

    Raises
    ------
    ValueError
        If it is none.
    """
    if text is None or not text.strip():
        return otherwise
    try:
        number = float(text.replace(",", "."))
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise ValueError(f"\u201c{text[:30]}\u201d is no number")
    return number


def _whole(text: str | None, otherwise: int = 0) -> int:
    """Return the whole number that was typed.

    Raises
    ------
    ValueError
        If it is none.
    """
    number = _number(text, otherwise)
    if number != int(number):
        raise ValueError(f"\u201c{(text or '')[:30]}\u201d is no whole number")
    return int(number)
